#include "command/command.h"
#include "postlog/postlog.h"

int main(int argc, char** argv) {
  return command::run(argc, argv, {"postlog"}, postlog::run);
}
