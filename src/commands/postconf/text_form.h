#pragma once
// How settings and services are written: one line, folded lines, JSON. Pure.

#include <string>
#include <string_view>

#include "config/master_cf.h"

namespace postconf {

struct Form {
  bool names = true;
  bool values = true;
  bool fold = false;
  bool json = false;
};

// "name = value" with a newline. Runs of blanks in the value become one; folded lines are at most 80 wide where the
// words allow it, and begin with four blanks from the second on.
std::string setting_text(std::string_view name, std::string_view value, const Form& form);

// {"name": "value"} with a newline. What is not UTF-8 becomes U+FFFD: JSON has no other bytes.
std::string json_text(std::string_view name, std::string_view value);

// A line of master.cf, with its command taken apart.
struct ServiceEntry {
  config::ServiceLine line;
  config::Arguments arguments;

  explicit ServiceEntry(config::ServiceLine service_line)
      : line(std::move(service_line)), arguments(config::arguments_of(line)) {}
};

// In the columns of the stock master.cf, with a newline. Folded: each -o option has a line of its own.
std::string service_text(const ServiceEntry& entry, bool fold);

// The command field alone, without a newline; `column` is where it begins.
std::string command_text(const ServiceEntry& entry, bool fold, std::size_t column);

}  // namespace postconf
