#include "queue/lock.h"

#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "base/error.h"

namespace queue {

disk::Result<bool> try_lock(int fd, Lock lock) {
  while (true) {
    if (::flock(fd, (lock == Lock::shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0) return true;
    if (errno == EWOULDBLOCK) return false;
    if (errno != EINTR) return std::unexpected(disk::Error{errno, base::with_errno("lock", errno)});
  }
}

disk::Result<void> lock_until(int fd, Lock lock, io::Deadline deadline) {
  using namespace std::chrono_literals;
  for (auto pause = 1ms;; pause = std::min(pause * 2, 100ms)) {
    const auto locked = try_lock(fd, lock);
    if (!locked) return std::unexpected(locked.error());
    if (*locked) return {};
    if (deadline.passed()) return std::unexpected(disk::Error{EAGAIN, base::with_errno("lock", EAGAIN)});
    io::sleep_until(io::Deadline::after(pause).or_earlier(deadline));
  }
}

}  // namespace queue
