#pragma once
// What every command shares: its name, its options, the configuration directory, and how it ends.

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace command {

// Runs `body` with the arguments after the program's name. base::Fatal ends the program with `<name>: fatal: <text>`
// and fatal_status; other exceptions likewise. Standard descriptors are made safe (0, 1, 2 open), SIGPIPE is ignored,
// the umask is 022, and standard output is flushed and checked before the status is returned.
struct Identity {
  std::string name;
  int fatal_status = 1;
};
int run(int argc, char** argv, const Identity& identity, const std::function<int(std::span<char*> arguments)>& body);

// One option of the command line, in order.
struct Option {
  char letter;
  std::string argument;  // empty when the option takes none
};
struct CommandLine {
  std::vector<Option> options;
  std::vector<std::string> operands;

  bool has(char letter) const;
  std::optional<std::string> last(char letter) const;
};
// getopt's syntax ("bc:d:"), POSIX order: the first operand ends the options. An unknown option or a missing argument
// throws base::Fatal(usage), after getopt's own kind of message on standard error.
CommandLine parse(std::span<char*> arguments, std::string_view letters, std::string_view usage);

}  // namespace command
