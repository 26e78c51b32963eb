#pragma once
// anvil(8): how many connections clients have, and how much they have done of late.

#include <memory>

#include "service/service.h"

namespace anvil {

constexpr int kMostClients = 10000;  // processes of the mail system, each with one connection

std::unique_ptr<service::Server> open(const service::Context& context);

}  // namespace anvil
