#pragma once
// Starting, stopping and prodding the master.

#include <sys/types.h>

#include <optional>

#include "postfix/installation.h"

namespace postfix {

enum class Foreground { no, yes };

// Exit statuses of the command.
int start(const Installation& installation, Foreground foreground);
int stop(const Installation& installation);
int quick_stop(const Installation& installation, std::string_view announcement);  // does not wait
int drain(const Installation& installation);
int reload(const Installation& installation);
int status(const Installation& installation);
int flush(const Installation& installation);

// The running master; nothing when there is none.
std::optional<pid_t> master_process(const Installation& installation);

}  // namespace postfix
