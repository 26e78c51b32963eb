#pragma once
// service/type/field and its like, as the operands of -M, -F and -P name what they mean. `*` means any.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/master_cf.h"

namespace postconf {

constexpr std::string_view kAny = "*";

struct ServicePattern {
  std::string service;
  std::string type;
  std::string member;  // a field or a parameter; kAny with -M

  bool matches(std::string_view service_name, std::string_view type_name) const;
  bool matches(const config::ServiceLine& line) const { return matches(line.name, line.type); }
  bool has_member(std::string_view name) const { return member == kAny || member == name; }
};

// `most` is 2 for service/type, 3 with a member; parts that are left out at the end are kAny. Nothing when there are
// more.
std::optional<ServicePattern> parse_pattern(std::string_view text, std::size_t most);

// All parts must be there.
std::optional<ServicePattern> parse_full_pattern(std::string_view text, std::size_t parts);

// postconf's names of the eight fields, in their order.
constexpr std::string_view kFieldNames[] = {"service", "type",   "private",       "unprivileged",
                                            "chroot",  "wakeup", "process_limit", "command"};
bool is_field_name(std::string_view name);

}  // namespace postconf
