#pragma once
// main.cf as it is written: names and values before any $ is looked at.

#include <expected>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/origin.h"

namespace config {

struct Setting {
  std::string value;  // continuation lines joined, blanks at both ends removed
  Origin where;
};

using Settings = std::map<std::string, Setting, std::less<>>;

struct MainCf {
  Settings settings;            // the last one of each name
  std::vector<Remark> remarks;  // overridden earlier entries, text after a # comment, ...
};

// Errors name file and line: cannot be read, no '=' after the name, an empty name, a NUL byte, a line over the limit.
std::expected<MainCf, base::Error> read_main_cf(const std::string& path);
std::expected<MainCf, base::Error> parse_main_cf(std::string_view text, const std::string& name_for_messages);

// "name = value" as in main.cf, -o and postconf -e: split at the first '=', blanks around both removed.
struct NameValue {
  std::string name;
  std::string value;
};
// The error is the clause that Postfix prints: missing '=' after attribute name: "x"; missing attribute name: "= x".
std::expected<NameValue, base::Error> split_name_value(std::string_view text);

// The argument of -o: `name=value`, or `{ name = value }` with blanks, as one word.
std::expected<NameValue, base::Error> split_override(std::string_view word);

}  // namespace config
