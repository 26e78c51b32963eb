#pragma once
// postdrop(1): puts a message into maildrop for users who may not write there. Set-gid: neither the caller, nor the
// environment, nor what comes in is to be trusted.

#include <span>

namespace postdrop {

int run(std::span<char*> arguments);

}  // namespace postdrop
