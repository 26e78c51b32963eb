#include "local/server.h"

// One client at a time: while a message is delivered the process is its recipient.
int main(int argc, char** argv) {
  return service::run(
      argc, argv,
      {.program = "local",
       .privileges = service::Privileges::keep,
       .client_limit = 1,
       .open = [](const service::Context& context) { return std::make_unique<local::Server>(context); }});
}
