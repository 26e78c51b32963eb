#include "base/file.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <chrono>
#include <thread>

namespace base {

namespace {

// Patience for the builder of a very large table; a builder that hangs must not hang all that come after it.
constexpr std::chrono::minutes kLockPatience{10};
constexpr std::chrono::milliseconds kLockPause{20};

std::expected<void, Error> lock_exclusively(int fd, const std::string& path) {
  const auto deadline = std::chrono::steady_clock::now() + kLockPatience;
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return std::unexpected(errno_error("lock " + path));
    if (std::chrono::steady_clock::now() >= deadline) {
      return std::unexpected(
          Error{"lock " + path + ": another program has held it for 10 minutes; end that one first"});
    }
    std::this_thread::sleep_for(kLockPause);
  }
  return {};
}

}  // namespace

std::expected<Fd, Error> open_for_reading(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) return std::unexpected(errno_error("open " + path));
  return fd;
}

std::expected<std::string, Error> read_file(const std::string& path, std::size_t limit) {
  auto fd = open_for_reading(path);
  if (!fd) return std::unexpected(fd.error());
  struct stat status{};
  if (::fstat(fd->get(), &status) != 0) return std::unexpected(errno_error("stat " + path));
  if (S_ISDIR(status.st_mode)) return std::unexpected(Error{"open " + path + ": Is a directory"});
  std::string content;
  content.reserve(std::min(limit, static_cast<std::size_t>(std::max<off_t>(status.st_size, 0))) + 1);
  char chunk[65536];
  while (true) {
    const ssize_t got = ::read(fd->get(), chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(errno_error("read " + path));
    if (got == 0) return content;
    content.append(chunk, static_cast<std::size_t>(got));
    if (content.size() > limit) {
      return std::unexpected(Error{path + ": the file is larger than " + std::to_string(limit) + " bytes"});
    }
  }
}

std::expected<struct stat, Error> stat_of(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return std::unexpected(errno_error("stat " + path));
  return status;
}

std::expected<void, Error> write_fully(int fd, std::string_view content, std::string_view path_for_error) {
  while (!content.empty()) {
    const ssize_t put = ::write(fd, content.data(), content.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return std::unexpected(errno_error("write " + std::string(path_for_error)));
    content.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

std::expected<void, Error> sync_directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  Fd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return std::unexpected(errno_error("fsync " + directory));
  return {};
}

std::expected<ReplacementFile, Error> ReplacementFile::create(const std::string& path, const Ownership& ownership) {
  std::string temporary = path + ".tmp";
  while (true) {
    Fd fd(::open(temporary.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) return std::unexpected(errno_error("create " + temporary));
    if (auto locked = lock_exclusively(fd.get(), temporary); !locked) return std::unexpected(locked.error());
    // The holder before us may have renamed or removed the file that we now have a lock on.
    struct stat opened{};
    struct stat named{};
    if (::fstat(fd.get(), &opened) != 0) return std::unexpected(errno_error("stat " + temporary));
    if (::lstat(temporary.c_str(), &named) != 0 || named.st_ino != opened.st_ino || named.st_dev != opened.st_dev) {
      continue;
    }
    if (!S_ISREG(opened.st_mode) || opened.st_nlink != 1) {
      return std::unexpected(Error{temporary + ": not a regular file of its own; remove it"});
    }
    if (::ftruncate(fd.get(), 0) != 0) return std::unexpected(errno_error("truncate " + temporary));
    ReplacementFile file(path, std::move(temporary), std::move(fd));
    if (::geteuid() == 0 && ::fchown(file.fd(), ownership.uid, ownership.gid) != 0) {
      return std::unexpected(errno_error("change owner of " + file.temporary_));
    }
    if (::fchmod(file.fd(), ownership.mode & 07777) != 0) {
      return std::unexpected(errno_error("change mode of " + file.temporary_));
    }
    return file;
  }
}

ReplacementFile::ReplacementFile(std::string path, std::string temporary, Fd fd)
    : path_(std::move(path)), temporary_(std::move(temporary)), fd_(std::move(fd)) {}

ReplacementFile::ReplacementFile(ReplacementFile&&) noexcept = default;

ReplacementFile::~ReplacementFile() {
  if (fd_) ::unlink(temporary_.c_str());
}

std::expected<void, Error> ReplacementFile::commit() {
  if (::fsync(fd_.get()) != 0) return std::unexpected(errno_error("fsync " + temporary_));
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    return std::unexpected(errno_error("rename " + temporary_ + " to " + path_));
  }
  fd_.reset();
  return sync_directory_of(path_);
}

}  // namespace base
