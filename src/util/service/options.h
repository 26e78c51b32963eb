#pragma once
// The arguments that master gives a daemon.

#include <span>
#include <string>
#include <vector>

#include "base/time_units.h"
#include "config/main_cf.h"
#include "config/master_cf.h"

namespace service {

struct Options {
  std::string service_name;  // -n; empty: the program's
  config::ServiceType type = config::ServiceType::unix_stream;
  std::vector<config::NameValue> overrides;  // -o
  base::Seconds max_idle{0};                 // -i; 0: as main.cf says
  int max_use = 0;                           // -m; likewise
  int listeners = 1;                         // -s
  bool chroot = false;                       // -c
  bool unprivileged = false;                 // -u
  bool exactly_one = false;                  // -l: a process limit of 1
  bool unlimited = false;                    // -z: a process limit of 0
  bool stand_alone = false;                  // -S
  bool keep_descriptors = false;             // -d
  bool debugger = false;                     // -D
  bool log_to_stderr = false;                // -V
  int verbosity = 0;                         // -v
  std::vector<std::string> arguments;
};

// Throws base::Fatal.
Options parse_options(std::span<char*> arguments);

}  // namespace service
