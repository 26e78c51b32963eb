#include "command/command.h"
#include "postdrop/postdrop.h"

int main(int argc, char** argv) {
  return command::run(argc, argv, {.name = "postdrop"}, postdrop::run);
}
