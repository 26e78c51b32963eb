#pragma once
// Parameters that are lists of names.

#include <algorithm>
#include <string_view>

#include "base/text.h"

namespace base {

inline bool has_word(std::string_view list, std::string_view word) {
  return std::ranges::any_of(split(list), [&](std::string_view one) { return one == word; });
}

}  // namespace base
