#pragma once
// postfix(1): starts, stops, checks and mends the mail system. Everything that it does is in this program; there are no
// scripts behind it.

#include <span>

namespace postfix {

int run(std::span<char*> arguments);

}  // namespace postfix
