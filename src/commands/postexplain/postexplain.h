#pragma once
// The command as a whole: what is asked for, and the exit status that sums it up.

#include <span>

namespace postexplain {

// `route ADDRESS...`, `session --client ...`. 0: all is accepted or has a place to go; 1: something is refused;
// EX_TEMPFAIL: nothing is refused, but something cannot be told now; EX_USAGE.
int run(std::span<char*> arguments);

}  // namespace postexplain
