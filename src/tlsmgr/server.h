#pragma once
// The tlsmgr service: hands out the keys of session tickets.

#include <memory>

#include "service/service.h"

namespace tlsmgr {

std::unique_ptr<service::Server> open(const service::Context& context);

}  // namespace tlsmgr
