#pragma once
// master's command line.

#include <optional>
#include <span>
#include <string>

#include "base/time_units.h"

namespace master {

// Ours: reads main.cf and master.cf thoroughly, tells what is wrong, and ends.
enum class Check { none, errors, errors_and_warnings };

struct Options {
  std::string directory;                  // -c
  bool debugger = false;                  // -D, MAIL_DEBUG: debugger_command runs, for children, too
  bool keeps_terminal = false;            // -d: standard descriptors and session stay as they are
  std::optional<base::Seconds> lifetime;  // -e
  bool is_init = false;                   // -i: process 1 of a container
  bool keeps_output = false;              // -s, -i: standard output stays, for maillog_file = /dev/stdout
  bool asks_whether_running = false;      // -t
  Check check = Check::none;              // -T, -TT
  bool waits = false;                     // -w: the caller gets its prompt back when master works
  int verbosity = 0;                      // -v
};

// Throws base::Fatal for what cannot be meant.
Options parse_options(std::span<char*> arguments);

}  // namespace master
