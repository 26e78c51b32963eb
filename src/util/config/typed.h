#pragma once
// From the text of a value to its type, within the range of its parameter.

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "config/parameter.h"

namespace config {

// The error is what the value must be: "must be a number from 1 to 100". Times come in seconds, booleans as 0 and 1,
// texts as their length.
std::expected<std::int64_t, std::string> measure(const Parameter& parameter, std::string_view value);

}  // namespace config
