#pragma once
// Keys as tables compare them.

#include <string>
#include <string_view>

namespace table {

// Unicode case folding of valid UTF-8 when `utf8`; otherwise, and for what is not valid UTF-8, ASCII letters only.
std::string fold_key(std::string_view key, bool utf8);

}  // namespace table
