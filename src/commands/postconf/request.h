#pragma once
// The command line: what is to be shown or edited, checked against what may stand together.

#include <span>
#include <string>
#include <vector>

namespace postconf {

enum class Subject {
  parameters,          // -p, and when nothing else is said: main.cf
  services,            // -M
  service_fields,      // -F
  service_parameters,  // -P
  server_sasl_types,   // -a
  client_sasl_types,   // -A
  expanded_templates,  // -b
  templates,           // -t
  lock_methods,        // -l
  table_types,         // -m
  tls,                 // -T
};

enum class Action { show, edit, remove, comment_out };

// Which parameters are listed when none is named: -C.
struct Classes {
  bool builtin = true;
  bool service = true;
  bool user = true;
};

struct Request {
  Subject subject = Subject::parameters;
  Action action = Action::show;
  std::string directory;    // -c; empty when not given
  std::string tls_mode;     // -T
  bool defaults = false;    // -d
  bool only_set = false;    // -n
  bool fold = false;        // -f
  bool expand = false;      // -x
  bool show_names = true;   // not -h
  bool show_values = true;  // not -H
  bool json = false;        // -j
  bool quiet = false;       // -q
  int verbose = 0;          // -v
  Classes classes;
  std::vector<std::string> overrides;  // -o, as written
  std::vector<std::string> operands;
};

// Throws base::Fatal with Postfix's own words for what cannot stand together.
Request parse_request(std::span<char*> arguments);

}  // namespace postconf
