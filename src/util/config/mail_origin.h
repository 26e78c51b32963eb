#pragma once
// myorigin: a domain, or the file that has it (/etc/mailname), as Debian's Postfix understands it.

#include <expected>
#include <string>

#include "base/error.h"

namespace config {

// The domain of an expanded value. Of a file the first line counts; a `$` in it means nothing. `$myorigin` in other
// values stays what main.cf says: in a list of domains a file's name does the same.
std::expected<std::string, base::Error> mail_origin(const std::string& value);

}  // namespace config
