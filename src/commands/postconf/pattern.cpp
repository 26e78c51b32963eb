#include "postconf/pattern.h"

#include <algorithm>

#include "base/text.h"

namespace postconf {

namespace {
bool part_matches(std::string_view pattern, std::string_view text) {
  return pattern == kAny || pattern == text;
}
}  // namespace

bool ServicePattern::matches(std::string_view service_name, std::string_view type_name) const {
  return part_matches(service, service_name) && part_matches(type, type_name);
}

std::optional<ServicePattern> parse_pattern(std::string_view text, std::size_t most) {
  const auto parts = base::split(base::trim(text), "/");
  if (parts.empty() || parts.size() > most) return std::nullopt;
  const auto part = [&parts](std::size_t index) { return std::string(index < parts.size() ? parts[index] : kAny); };
  return ServicePattern{part(0), part(1), part(2)};
}

std::optional<ServicePattern> parse_full_pattern(std::string_view text, std::size_t parts) {
  if (base::split(base::trim(text), "/").size() != parts) return std::nullopt;
  return parse_pattern(text, parts);
}

bool is_field_name(std::string_view name) {
  return std::ranges::find(kFieldNames, name) != std::end(kFieldNames);
}

}  // namespace postconf
