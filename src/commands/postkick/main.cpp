#include "command/command.h"
#include "postkick/postkick.h"

int main(int argc, char** argv) {
  return command::run(argc, argv, {"postkick"}, postkick::run);
}
