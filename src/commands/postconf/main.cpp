// postconf: shows and edits the configuration.

#include <cstdio>

#include "command/command.h"
#include "postconf/postconf.h"

int main(int argc, char** argv) {
  return command::run(argc, argv, {.name = "postconf"}, [](std::span<char*> arguments) {
    const postconf::Outcome outcome = postconf::run(postconf::parse_request(arguments));
    std::fwrite(outcome.output.data(), 1, outcome.output.size(), stdout);
    std::fflush(stdout);
    postconf::tell(outcome.after);
    return outcome.status;
  });
}
