#pragma once
// One master for a queue, and one for a data directory: two lock files, held exclusively for as long as master lives.
// Their content is Postfix's: the process id, right-aligned in 32 columns, and a newline.

#include <sys/types.h>

#include <expected>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/fd.h"

namespace master {

constexpr const char* kPidFile = "pid/master.pid";  // in the queue directory

std::string lock_content(pid_t pid);

// The lock, and nothing written yet. The error says who else holds it or what else is wrong with the file.
std::expected<base::Fd, base::Error> take_lock(const std::string& path);
std::expected<void, base::Error> write_pid(int fd, const std::string& path);

// The process that holds the lock of the file: nothing when there is none, or no file; 0 when it has no number in it.
std::expected<std::optional<pid_t>, base::Error> holder_of(const std::string& path);

}  // namespace master
