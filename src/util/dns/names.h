#pragma once
// Inside the library: names as they are asked for.

#include <expected>
#include <string>
#include <string_view>

namespace dns {

// The name in lower case ASCII without a last dot: UTF-8 in its ACE form when `utf8`. Empty: no name that could be
// asked for.
std::string ascii_name(std::string_view name, bool utf8);

}  // namespace dns
