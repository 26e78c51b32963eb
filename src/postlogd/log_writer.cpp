#include "postlogd/log_writer.h"

#include <unistd.h>

#include <cerrno>

#include "logging/destinations.h"
#include "logging/record.h"

namespace postlogd {

namespace {

constexpr std::size_t kGatherAtMost = 64 * 1024;

}  // namespace

void LogWriter::append(std::string_view line) {
  if (gathered_.size() + line.size() >= kGatherAtMost) flush();
  gathered_ += line;
  gathered_ += '\n';
  ++gathered_lines_;
}

void LogWriter::flush() {
  if (gathered_.empty()) return;
  if (lost_ > 0 &&
      write(fmt::format("{} {} {}[{}]: warning: {} log lines were lost: the log file could not be written\n",
                        logging::timestamp(), logging::identity().host, logging::tag(logging::identity()), ::getpid(),
                        lost_))) {
    lost_ = 0;
  }
  if (!write(gathered_)) lost_ += gathered_lines_;
  gathered_.clear();
  gathered_lines_ = 0;
}

bool LogWriter::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = ::write(fd_.get(), text.data(), text.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

}  // namespace postlogd
