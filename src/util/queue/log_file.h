#pragma once
// What status logs and flush logs have in common: text that many append to, under a lock, and that others remove or
// empty meanwhile.

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "disk/disk.h"
#include "queue/spool.h"

namespace queue {

struct LogSteps {
  disk::Step open;
  disk::Step write;
  disk::Step take_back;
};

struct OpenLog {
  base::Fd fd;
  off_t size;
};
// For appending: makes the file (mode 0600) and its hash directories when they are missing. The lock is held when it
// returns, and the file still has its name.
disk::Result<OpenLog> open_locked(const Spool& spool, disk::Step step, Folder folder, const Id& name);
// When writing fails, what was written of it is taken back.
disk::Result<void> append_text(disk::Disk& disk, const LogSteps& steps, const OpenLog& log, std::string_view text);

// Nothing when there is no such file. EFBIG when it is larger than `most`.
disk::Result<std::optional<std::string>> read_log(const std::string& path, std::size_t most);

}  // namespace queue
