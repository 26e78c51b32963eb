#pragma once
// Inside the library: what local_header_rewrite_clients may say, which is about the client alone.

#include "restrictions/restriction.h"

namespace restrictions {

constexpr std::string_view kCheckAddressMap = "check_address_map";
const Name* find_local_header_name(std::string_view name);

}  // namespace restrictions
