#pragma once
// postqueue(1): what users may see of the queue, and ask of it. Installed set-gid.

#include <span>

namespace postqueue {

int run(std::span<char*> arguments);

}  // namespace postqueue
