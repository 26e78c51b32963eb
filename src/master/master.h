#pragma once
// master(8): reads main.cf and master.cf, owns all places where services listen, and starts their processes when they
// are needed.

#include <span>

namespace master {

int run(std::span<char*> arguments);

}  // namespace master
