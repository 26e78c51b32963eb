#include "pickup/server.h"

int main(int argc, char** argv) {
  return service::run(
      argc, argv,
      {.program = "pickup",
       .clients = service::Clients::triggers,
       .processes = service::Processes::exactly_one,
       .open = [](const service::Context& context) { return std::make_unique<pickup::Server>(context); }});
}
