#include "command/command.h"
#include "postsuper/postsuper.h"

int main(int argc, char** argv) {
  return command::run(argc, argv, {"postsuper"}, postsuper::run);
}
