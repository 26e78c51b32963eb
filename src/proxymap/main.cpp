#include "proxymap/proxymap.h"
#include "service/service.h"

int main(int argc, char** argv) {
  return service::run(argc, argv, {.program = "proxymap", .open = proxymap::open});
}
