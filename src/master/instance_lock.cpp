#include "master/instance_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "base/text.h"

namespace master {

namespace {

// A lock file that someone has made a link to something else is not ours to write to.
std::expected<base::Fd, base::Error> open_plain(const std::string& path, int flags) {
  base::Fd fd(::open(path.c_str(), flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600));
  if (!fd) return std::unexpected(base::Error{base::with_errno("open lock file " + path, errno)});
  struct stat state{};
  if (::fstat(fd.get(), &state) != 0) return std::unexpected(base::errno_error("open lock file " + path));
  if (!S_ISREG(state.st_mode) || state.st_nlink != 1) {
    return std::unexpected(base::Error{"open lock file " + path + ": not a plain file with one name"});
  }
  return fd;
}

bool lock(int fd) {
  int result = 0;
  do {
    result = ::flock(fd, LOCK_EX | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  return result == 0;
}

}  // namespace

std::string lock_content(pid_t pid) {
  return fmt::format("{:>32}\n", pid);
}

std::expected<base::Fd, base::Error> take_lock(const std::string& path) {
  auto fd = open_plain(path, O_RDWR | O_CREAT);
  if (!fd) return fd;
  if (!lock(fd->get())) {
    const int reason = errno;
    return std::unexpected(
        base::Error{base::with_errno(fmt::format("open lock file {}: unable to set exclusive lock", path), reason)});
  }
  return fd;
}

std::expected<void, base::Error> write_pid(int fd, const std::string& path) {
  if (::lseek(fd, 0, SEEK_SET) != 0 || ::ftruncate(fd, 0) != 0) {
    return std::unexpected(base::errno_error("cannot truncate lock file " + path));
  }
  return base::write_fully(fd, lock_content(::getpid()), path);
}

std::expected<std::optional<pid_t>, base::Error> holder_of(const std::string& path) {
  auto fd = open_plain(path, O_RDWR);
  if (!fd) {
    if (errno == ENOENT) return std::nullopt;
    return std::unexpected(fd.error());
  }
  if (lock(fd->get())) return std::nullopt;
  if (errno != EWOULDBLOCK) return std::unexpected(base::errno_error("lock file " + path));
  char text[64];
  const ssize_t got = ::pread(fd->get(), text, sizeof text, 0);
  const auto number = base::to_long(base::trim(std::string_view(text, got > 0 ? static_cast<std::size_t>(got) : 0)));
  return number && *number > 0 ? static_cast<pid_t>(*number) : 0;
}

}  // namespace master
