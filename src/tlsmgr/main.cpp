#include "tlsmgr/server.h"

int main(int argc, char** argv) {
  return service::run(argc, argv,
                      {.program = "tlsmgr",
                       .clients = service::Clients::triggers,  // master wakes it up, though it needs no waking
                       .processes = service::Processes::exactly_one,
                       .open = tlsmgr::open});
}
