// postmap: makes, asks, lists and changes lookup tables.

#include "command/command.h"
#include "postmap/postmap.h"

int main(int argc, char** argv) {
  return command::run(argc, argv, {.name = "postmap"}, [](std::span<char*> arguments) {
    return postmap::run(postmap::parse_request(arguments, postmap::kPostmap));
  });
}
