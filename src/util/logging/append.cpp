#include "logging/append.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

namespace logging {

namespace {

constexpr int kAppendFlags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY;

// Who is alive has ended its write by then.
constexpr auto kEndOfAWrite = std::chrono::milliseconds(1);
constexpr int kLooks = 5;

base::Fd standard_output() {
  return base::Fd(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
}

// Whether nobody but root and ourselves can have put the link there.
bool may_be_followed(const std::string& path) {
  const auto slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  struct stat link{};
  struct stat around{};
  if (::lstat(path.c_str(), &link) != 0 || ::stat(directory.c_str(), &around) != 0) return false;
  const auto is_trusted = [](uid_t owner) { return owner == 0 || owner == ::geteuid(); };
  return is_trusted(link.st_uid) && is_trusted(around.st_uid) && (around.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

// What stands there may also be the first part of a write that goes on: then the file grows.
bool ends_in_half_line(int reading) {
  off_t last_size = -1;
  for (int look = 0; look < kLooks; ++look) {
    struct stat state{};
    char last = '\n';
    if (::fstat(reading, &state) != 0 || state.st_size == 0) return false;
    if (::pread(reading, &last, 1, state.st_size - 1) != 1 || last == '\n') return false;
    if (state.st_size == last_size) return true;
    last_size = state.st_size;
    std::this_thread::sleep_for(kEndOfAWrite);
  }
  return false;
}

// Not a link that whoever owns the folder has put there, nor a second name of another file: root writes here, too. And
// a FIFO without a reader is waited for by nobody.
base::Fd open_existing(const std::string& path) {
  base::Fd fd(::open(path.c_str(), kAppendFlags | O_NONBLOCK | O_NOFOLLOW));
  if (!fd && errno == ELOOP) {
    if (!may_be_followed(path)) {
      errno = ELOOP;
      return fd;
    }
    fd = base::Fd(::open(path.c_str(), kAppendFlags | O_NONBLOCK));
  }
  struct stat state{};
  if (!fd || ::fstat(fd.get(), &state) != 0) return fd;
  if (S_ISREG(state.st_mode) && state.st_nlink > 1) {
    fd.reset();
    errno = EMLINK;
    return fd;
  }
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (flags >= 0) (void)::fcntl(fd.get(), F_SETFL, flags & ~O_NONBLOCK);
  return fd;
}

}  // namespace

void write_line(int fd, std::string_view line) {
  // A disk that is full has no room for the rest either.
  while (::write(fd, line.data(), line.size()) < 0 && errno == EINTR) {
  }
}

AppendedFile AppendedFile::open(const std::string& path) {
  if (path == "/dev/stdout") return {path, standard_output()};
  return {path, open_existing(path)};
}

AppendedFile AppendedFile::open_or_make(const std::string& path, mode_t mode) {
  if (path == "/dev/stdout") return {path, standard_output()};
  base::Fd made(::open(path.c_str(), kAppendFlags | O_CREAT | O_EXCL, mode));
  if (!made) return errno == EEXIST ? open(path) : AppendedFile();
  (void)::fchmod(made.get(), mode);  // the umask is for files that nobody chose a mode for
  return {path, std::move(made)};
}

void AppendedFile::append(std::string_view line) {
  end_half_line();
  write_line(writing_.get(), line);
}

void AppendedFile::end_half_line() {
  struct stat ours{};
  if (::fstat(writing_.get(), &ours) != 0 || !S_ISREG(ours.st_mode) || ours.st_size == 0) return;
  const base::Fd reading(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  struct stat named{};
  if (!reading || ::fstat(reading.get(), &named) != 0) return;
  if (named.st_ino != ours.st_ino || named.st_dev != ours.st_dev) return;
  if (ends_in_half_line(reading.get())) write_line(writing_.get(), "\n");
}

}  // namespace logging
