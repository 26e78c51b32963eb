#include "command/command.h"
#include "postfix/postfix.h"

int main(int argc, char** argv) {
  return command::run(argc, argv, {"postfix"}, postfix::run);
}
