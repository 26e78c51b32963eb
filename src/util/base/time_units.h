#pragma once
// Times as main.cf writes them: a whole number and one of s m h d w.

#include <chrono>
#include <optional>
#include <string_view>

namespace base {

using Seconds = std::chrono::seconds;

// The seconds in one unit; 0 for a letter that is none. Capital letters count as small ones.
constexpr long seconds_in_unit(char unit) {
  switch (unit) {
    case 's':
    case 'S':
      return 1;
    case 'm':
    case 'M':
      return 60;
    case 'h':
    case 'H':
      return 60L * 60;
    case 'd':
    case 'D':
      return 24L * 60 * 60;
    case 'w':
    case 'W':
      return 7L * 24 * 60 * 60;
    default:
      return 0;
  }
}

// "10", "10m": a number without a unit counts in default_unit. Nothing for what is not a time, is negative or is over
// 2^31-1 s.
std::optional<Seconds> to_seconds(std::string_view text, char default_unit);

}  // namespace base
