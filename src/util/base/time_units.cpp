#include "base/time_units.h"

#include <algorithm>

#include "base/text.h"

namespace base {

std::optional<Seconds> to_seconds(std::string_view text, char default_unit) {
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  const auto end = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = to_unsigned(text.substr(0, end));
  const long unit = seconds_in_unit(end < text.size() ? text[end] : default_unit);
  if (!number || unit == 0) return std::nullopt;
  constexpr unsigned long kMost = 2147483647;
  if (*number > kMost / static_cast<unsigned long>(unit)) return std::nullopt;
  return Seconds(static_cast<long>(*number) * unit);
}

}  // namespace base
