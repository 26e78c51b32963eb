#pragma once
// postsuper(1): what the superuser does to queued messages, and the repair of the queue.

#include <span>

namespace postsuper {

int run(std::span<char*> arguments);

}  // namespace postsuper
