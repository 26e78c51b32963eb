#pragma once
// postlogd(8): writes the log file for all programs of the mail system.

#include <memory>

#include "service/service.h"

namespace postlogd {

std::unique_ptr<service::Server> open(const service::Context& context);

}  // namespace postlogd
