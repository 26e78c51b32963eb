#include "cleanup/server.h"

int main(int argc, char** argv) {
  return service::run(
      argc, argv,
      {.program = "cleanup", .processes = service::Processes::unlimited, .open = [](const service::Context& context) {
         return std::make_unique<cleanup::Server>(context);
       }});
}
