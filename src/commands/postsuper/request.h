#pragma once
// The command line, understood.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "queue/spool.h"

namespace postsuper {

// The messages that an option names; "-" stands for the lines of standard input.
struct Targets {
  bool all = false;
  std::vector<std::string> ids = {};
  bool any() const { return all || !ids.empty(); }
};

// The initializers let callers name only the members that they set.
struct Request {
  std::optional<std::string> config_directory = {};
  int verbosity = 0;
  bool structure = false;                   // -s
  bool structure_strict = false;            // -S
  bool purge = false;                       // -p
  Targets remove = {};                      // -d
  Targets expire = {};                      // -e
  Targets expire_and_release = {};          // -f
  Targets hold = {};                        // -h
  Targets release = {};                     // -H
  Targets requeue = {};                     // -r
  std::vector<queue::Folder> folders = {};  // as given; none: each operation's own
};

// Throws base::Fatal for what makes no sense.
Request parse(std::span<char*> arguments);

}  // namespace postsuper
