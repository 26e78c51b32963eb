#include "command/command.h"
#include "postlock/postlock.h"

int main(int argc, char** argv) {
  return command::run(argc, argv, {"postlock", postlock::kTemporaryFailure}, postlock::run);
}
