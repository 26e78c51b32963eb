#include "flush/flush.h"
#include "service/service.h"

int main(int argc, char** argv) {
  return service::run(argc, argv,
                      {.program = "flush",
                       .clients = service::Clients::triggers,
                       .processes = service::Processes::unlimited,
                       .open = flush::open});
}
