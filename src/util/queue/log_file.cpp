#include "queue/log_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "base/error.h"
#include "queue/lock.h"
#include "queue/steps.h"

namespace queue {

namespace {

// Nobody holds the lock for longer than a write and an fsync take.
constexpr auto kLockTime = std::chrono::seconds(20);
constexpr int kOpenTries = 10;

std::unexpected<disk::Error> failed(std::string_view call, std::string_view path, int number) {
  return std::unexpected(disk::Error{number, base::with_errno(fmt::format("{} {}", call, path), number)});
}

}  // namespace

disk::Result<OpenLog> open_locked(const Spool& spool, disk::Step step, Folder folder, const Id& name) {
  const std::string path = spool.path(folder, name);
  const auto deadline = io::Deadline::after(kLockTime);
  for (int attempt = 1; attempt <= kOpenTries; ++attempt) {
    auto fd = spool.disk().open_append(step, path, 0600);
    if (!fd && fd.error().number == ENOENT) {
      if (const auto made = spool.make_directories(step::kSpoolHash, folder, name); !made) {
        return std::unexpected(made.error());
      }
      fd = spool.disk().open_append(step, path, 0600);
    }
    if (!fd) return std::unexpected(fd.error());
    if (const auto locked = lock_until(fd->get(), Lock::exclusive, deadline); !locked) {
      return failed("lock", path, locked.error().number);
    }
    struct stat status{};
    if (::fstat(fd->get(), &status) != 0) return failed("look at", path, errno);
    if (!S_ISREG(status.st_mode)) return failed("open", path, EINVAL);
    // While the lock was waited for, its holder may have removed the file: what is written now nobody would read.
    if (status.st_nlink > 0) return OpenLog{std::move(*fd), status.st_size};
  }
  return failed("open", path, EAGAIN);
}

disk::Result<void> append_text(disk::Disk& disk, const LogSteps& steps, const OpenLog& log, std::string_view text) {
  auto written = disk.write(steps.write, log.fd.get(), text);
  if (!written) (void)disk.truncate(steps.take_back, log.fd.get(), log.size);
  return written;
}

disk::Result<std::optional<std::string>> read_log(const std::string& path, std::size_t most) {
  const base::Fd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd && errno == ENOENT) return std::nullopt;
  if (!fd) return failed("open", path, errno);
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return failed("look at", path, errno);
  if (!S_ISREG(status.st_mode)) return failed("open", path, EINVAL);
  std::string content;
  while (true) {
    // One byte more than it says tells whether it has grown.
    const std::size_t have = content.size();
    const auto expected = static_cast<std::size_t>(status.st_size) + 1;
    const std::size_t want = std::min(most + 1, std::max(expected, have + 4096));
    if (have >= want) return failed("read", path, EFBIG);
    ssize_t got = 0;
    int number = 0;
    content.resize_and_overwrite(want, [&](char* data, std::size_t size) {
      do {
        got = ::read(fd.get(), data + have, size - have);
      } while (got < 0 && errno == EINTR);
      number = errno;
      return have + (got > 0 ? static_cast<std::size_t>(got) : 0);
    });
    if (got < 0) return failed("read", path, number);
    if (got == 0) return content;
  }
}

}  // namespace queue
