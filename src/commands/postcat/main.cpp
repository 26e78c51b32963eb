#include "command/command.h"
#include "postcat/postcat.h"

int main(int argc, char** argv) {
  return command::run(argc, argv, {"postcat"}, postcat::run);
}
