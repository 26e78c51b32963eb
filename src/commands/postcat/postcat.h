#pragma once
// postcat(1): what is in a queue file.

#include <span>

namespace postcat {

int run(std::span<char*> arguments);

}  // namespace postcat
