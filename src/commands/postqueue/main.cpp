#include <sysexits.h>

#include "command/command.h"
#include "postqueue/postqueue.h"

int main(int argc, char** argv) {
  return command::run(argc, argv, {.name = "postqueue", .fatal_status = EX_UNAVAILABLE}, postqueue::run);
}
