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

}  // namespace

void write_line(int fd, std::string_view line) {
  // A disk that is full has no room for the rest either.
  while (::write(fd, line.data(), line.size()) < 0 && errno == EINTR) {
  }
}

AppendedFile AppendedFile::open(const std::string& path) {
  if (path == "/dev/stdout") return {path, standard_output()};
  return {path, base::Fd(::open(path.c_str(), kAppendFlags))};
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
