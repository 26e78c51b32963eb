// postexplain: why mail goes where it goes.

#include <sysexits.h>

#include "command/command.h"
#include "postexplain/postexplain.h"

int main(int argc, char** argv) {
  return command::run(argc, argv, {.name = "postexplain", .fatal_status = EX_CONFIG}, postexplain::run);
}
