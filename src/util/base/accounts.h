#pragma once
// Who a user id belongs to.

#include <sys/types.h>

#include <expected>
#include <optional>
#include <string>

#include "base/error.h"

namespace base {

// The account's name; nothing when nobody has that id. An error is neither: a caller brings it about at will, by
// leaving a program few descriptors, and must not pass for nobody.
std::expected<std::optional<std::string>, Error> account_name(uid_t uid);

}  // namespace base
