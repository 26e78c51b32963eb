#include "error/server.h"

int main(int argc, char** argv) {
  return service::run(argc, argv,
                      {.program = "error", .check = error::check, .open = [](const service::Context& context) {
                         return std::make_unique<error::Server>(context);
                       }});
}
