#pragma once
// showq(8): tells whoever connects what is in the queue.

#include <memory>

#include "service/service.h"

namespace showq {

std::unique_ptr<service::Server> open(const service::Context& context);

}  // namespace showq
