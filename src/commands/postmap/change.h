#pragma once
// -d: removes keys.

#include "config/config.h"
#include "postmap/request.h"

namespace postmap {

// 0 when a table had one of the keys.
int remove_keys(const Request& request, const config::Config& config);

}  // namespace postmap
