#pragma once
// postlock(1): runs a command while a mailbox file is locked the way the local delivery agent locks it.

#include <span>

namespace postlock {

constexpr int kTemporaryFailure = 75;  // EX_TEMPFAIL

int run(std::span<char*> arguments);

}  // namespace postlock
