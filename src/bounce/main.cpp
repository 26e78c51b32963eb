#include "bounce/server.h"

int main(int argc, char** argv) {
  return service::run(
      argc, argv,
      {.program = "bounce", .processes = service::Processes::unlimited, .open = [](const service::Context& context) {
         return std::make_unique<bounce::Server>(context);
       }});
}
