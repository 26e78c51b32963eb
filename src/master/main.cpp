#include "command/command.h"
#include "master/master.h"

int main(int argc, char** argv) {
  return command::run(argc, argv, {"master"}, master::run);
}
