#pragma once
// Where a setting came from, for messages.

#include <string>
#include <string_view>

namespace config {

struct Origin {
  std::string file;  // "/etc/postfix/main.cf"; "-o" for an option; empty for a built-in default
  int line = 0;

  std::string text() const;  // "/etc/postfix/main.cf, line 12"
};

// A remark about the configuration: a warning that does not stop it from being used.
struct Remark {
  std::string event;  // names it in logs: "config.overridden"
  Origin where;
  std::string text;  // without the place
};

}  // namespace config
