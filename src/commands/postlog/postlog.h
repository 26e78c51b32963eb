#pragma once
// postlog(1): what shell scripts say, logged like what the mail system says.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "logging/log.h"

namespace postlog {

int run(std::span<char*> arguments);

// info, warn, warning, err, error, crit, fatal, panic; in upper or lower case.
std::optional<logging::Level> severity(std::string_view name);

// Logs each line that fd has, until its end. Of a longer line the first 64 KiB count.
void log_lines(int fd, logging::Level level);

}  // namespace postlog
