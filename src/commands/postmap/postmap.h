#pragma once
// The whole command, for both names.

#include "postmap/request.h"

namespace postmap {

// The exit status. Throws base::Fatal.
int run(const Request& request);

}  // namespace postmap
