// postalias: postmap for alias databases.

#include "command/command.h"
#include "postmap/postmap.h"

int main(int argc, char** argv) {
  return command::run(argc, argv, {.name = "postalias"}, [](std::span<char*> arguments) {
    return postmap::run(postmap::parse_request(arguments, postmap::kPostalias));
  });
}
