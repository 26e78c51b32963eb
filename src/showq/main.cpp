#include "service/service.h"
#include "showq/showq.h"

int main(int argc, char** argv) {
  return service::run(argc, argv, {.program = "showq", .open = showq::open});
}
