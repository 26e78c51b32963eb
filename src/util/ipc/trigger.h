#pragma once
// Triggers: a few request characters and a NUL byte to a UNIX socket or a FIFO (public/qmgr, public/pickup, ...).

#include <expected>
#include <string>
#include <string_view>

#include "base/error.h"
#include "io/wait.h"

namespace ipc {

// Does not wait for an answer. The error is "connect to <path>: ..." and means: no one serves there now.
std::expected<void, base::Error> send_trigger(const std::string& path, std::string_view requests,
                                              io::Deadline deadline);

}  // namespace ipc
