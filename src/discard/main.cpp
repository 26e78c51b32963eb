#include "discard/server.h"

int main(int argc, char** argv) {
  return service::run(argc, argv, {.program = "discard", .open = [](const service::Context& context) {
                                     return std::make_unique<discard::Server>(context);
                                   }});
}
