#include "anvil/anvil.h"
#include "service/service.h"

int main(int argc, char** argv) {
  return service::run(argc, argv,
                      {.program = "anvil",
                       .processes = service::Processes::exactly_one,
                       .client_limit = anvil::kMostClients,
                       .lives_on = true,  // what it knows is gone with it
                       .open = anvil::open});
}
