#pragma once
// Who a user id belongs to.

#include <sys/types.h>

#include <expected>
#include <optional>
#include <string>

#include "base/error.h"

namespace base {

// What the name service needs in any case: descriptors and memory. When it cannot have them, it may say that there is
// no such entry: glibc asks one source after the other, and believes the last, though the first could not open its
// file. Whoever is told that there is none asks this, too, before and after.
std::expected<void, Error> name_service_can_work();

// The account's name; nothing when nobody has that id. An error is neither: a caller brings it about at will, by
// leaving a program few descriptors, and must not pass for nobody.
std::expected<std::optional<std::string>, Error> account_name(uid_t uid);

}  // namespace base
