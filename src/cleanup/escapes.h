#pragma once
// The characters of message_reject_characters and message_strip_characters, as main.cf writes them.

#include <expected>
#include <string>
#include <string_view>

#include "base/error.h"

namespace cleanup {

// \a \b \f \n \r \t \v, \ddd in octal (one to three digits), \\; any other byte stands for itself.
std::expected<std::string, base::Error> unescaped(std::string_view text);

}  // namespace cleanup
