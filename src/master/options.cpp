#include "master/options.h"

#include <climits>
#include <cstdlib>

#include "base/error.h"
#include "base/text.h"
#include "command/command.h"

namespace master {

namespace {

constexpr std::string_view kUsage =
    "usage: master [-c config_dir] [-D (debug)] [-d (don't detach from terminal)] "
    "[-e exit_time] [-i (init mode)] [-s (keep stdout)] [-t (test)] "
    "[-T (check configuration)] [-v] [-w (wait for initialization)]";

}  // namespace

Options parse_options(std::span<char*> arguments) {
  const auto line = command::parse(arguments, "c:Dde:istTvw", kUsage);
  if (!line.operands.empty()) throw base::Fatal(std::string(kUsage));
  Options options;
  options.debugger = ::getenv("MAIL_DEBUG") != nullptr;
  if (::getenv("MAIL_VERBOSE") != nullptr) options.verbosity = 1;
  for (const auto& [letter, argument] : line.options) {
    switch (letter) {
      case 'c':
        options.directory = argument;
        break;
      case 'D':
        options.debugger = true;
        break;
      case 'd':
        options.keeps_terminal = true;
        break;
      case 'e': {
        const auto seconds = base::to_long(argument);
        if (!seconds || *seconds < 0 || *seconds > INT_MAX) {
          throw base::Fatal(
              fmt::format("option -e: bad time \"{}\": specify a number of seconds", base::printable(argument)));
        }
        options.lifetime = base::Seconds(*seconds);
        break;
      }
      case 'i':
        options.is_init = options.keeps_output = true;
        break;
      case 's':
        options.keeps_output = true;
        break;
      case 't':
        options.asks_whether_running = true;
        break;
      case 'T':
        options.check = options.check == Check::none ? Check::errors : Check::errors_and_warnings;
        break;
      case 'v':
        ++options.verbosity;
        break;
      case 'w':
        options.waits = true;
        break;
      default:
        throw base::Fatal(std::string(kUsage));
    }
  }
  if (options.waits && (options.keeps_terminal || options.is_init || options.debugger)) {
    throw base::Fatal("option -w puts master into the background: it cannot be had with -d, -D or -i");
  }
  return options;
}

}  // namespace master
