#include "disk/disk.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "io/offload.h"

namespace disk {

namespace {

std::unexpected<Error> failed(std::string_view call, std::string_view what, int number) {
  return std::unexpected(Error{number, base::with_errno(fmt::format("{} {}", call, what), number)});
}

// A descriptor has no name of its own; the step tells which file it was.
std::unexpected<Error> failed_in(Step step, std::string_view call, int number) {
  return std::unexpected(Error{number, base::with_errno(fmt::format("{} ({})", call, step), number)});
}

// For calls that a signal may interrupt before they did anything.
template <typename Call>
auto uninterrupted(Call&& call) {
  while (true) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

Result<base::Fd> open_file(const std::string& path, int flags, mode_t mode) {
  const int fd =
      uninterrupted([&] { return ::open(path.c_str(), flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, mode); });
  if (fd < 0) return failed("open", path, errno);
  return base::Fd(fd);
}

timespec whole_seconds(std::time_t time) {
  timespec result{};
  result.tv_sec = time;
  return result;
}

class RealDisk final : public Disk {
 public:
  Result<base::Fd> create(Step, const std::string& path, mode_t mode) override {
    return open_file(path, O_CREAT | O_EXCL | O_RDWR, mode);
  }

  Result<base::Fd> open_append(Step, const std::string& path, mode_t mode) override {
    return open_file(path, O_CREAT | O_APPEND | O_RDWR, mode);
  }

  Result<void> write(Step step, int fd, std::string_view content) override {
    while (!content.empty()) {
      const ssize_t done = uninterrupted([&] { return ::write(fd, content.data(), content.size()); });
      if (done < 0) return failed_in(step, "write", errno);
      // Without a reason and without progress: nothing says that it will ever be otherwise.
      if (done == 0) return failed_in(step, "write", EIO);
      content.remove_prefix(static_cast<std::size_t>(done));
    }
    return {};
  }

  Result<void> write_at(Step step, int fd, std::string_view content, off_t offset) override {
    while (!content.empty()) {
      const ssize_t done = uninterrupted([&] { return ::pwrite(fd, content.data(), content.size(), offset); });
      if (done < 0) return failed_in(step, "write", errno);
      if (done == 0) return failed_in(step, "write", EIO);
      content.remove_prefix(static_cast<std::size_t>(done));
      offset += done;
    }
    return {};
  }

  Result<void> truncate(Step step, int fd, off_t size) override {
    if (uninterrupted([&] { return ::ftruncate(fd, size); }) < 0) return failed_in(step, "truncate", errno);
    return {};
  }

  Result<void> sync(Step step, int fd) override {
    const int number = io::offload([fd] { return ::fsync(fd) < 0 ? errno : 0; });
    if (number != 0) return failed_in(step, "fsync", number);
    return {};
  }

  Result<void> sync_directory(Step, const std::string& directory) override {
    const base::Fd fd(
        uninterrupted([&] { return ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); }));
    if (!fd) return failed("open directory", directory, errno);
    const int number = io::offload([&] { return ::fsync(fd.get()) < 0 ? errno : 0; });
    if (number != 0) return failed("fsync directory", directory, number);
    return {};
  }

  Result<void> close(Step step, base::Fd fd) override {
    // An interrupted close has closed all the same, and what mattered was fsync'ed before.
    if (::close(fd.release()) < 0 && errno != EINTR) return failed_in(step, "close", errno);
    return {};
  }

  Result<void> rename(Step, const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) < 0) return failed("rename", fmt::format("{} to {}", from, to), errno);
    return {};
  }

  Result<void> link(Step, const std::string& from, const std::string& to) override {
    if (::link(from.c_str(), to.c_str()) < 0) return failed("link", fmt::format("{} to {}", from, to), errno);
    return {};
  }

  Result<void> unlink(Step, const std::string& path) override {
    if (::unlink(path.c_str()) < 0) return failed("remove", path, errno);
    return {};
  }

  Result<void> make_directory(Step, const std::string& path, mode_t mode) override {
    if (::mkdir(path.c_str(), mode) < 0) return failed("create directory", path, errno);
    return {};
  }

  Result<void> remove_directory(Step, const std::string& path) override {
    if (::rmdir(path.c_str()) < 0) return failed("remove directory", path, errno);
    return {};
  }

  Result<void> set_mode(Step step, int fd, mode_t mode) override {
    if (uninterrupted([&] { return ::fchmod(fd, mode); }) < 0) return failed_in(step, "change mode", errno);
    return {};
  }

  // chmod(2) follows links, and a link may have been put there for whoever has more rights than its maker.
  Result<void> set_mode(Step, const std::string& path, mode_t mode) override {
    const auto fd = open_file(path, O_RDONLY, 0);
    if (!fd) return failed("change mode of", path, fd.error().number);
    if (uninterrupted([&] { return ::fchmod(fd->get(), mode); }) < 0) return failed("change mode of", path, errno);
    return {};
  }

  Result<void> set_owner(Step step, int fd, uid_t uid, gid_t gid) override {
    if (uninterrupted([&] { return ::fchown(fd, uid, gid); }) < 0) return failed_in(step, "change owner", errno);
    return {};
  }

  Result<void> set_times(Step, const std::string& path, std::time_t both) override {
    const timespec times[2] = {whole_seconds(both), whole_seconds(both)};
    if (::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) < 0) {
      return failed("set times of", path, errno);
    }
    return {};
  }

  Result<void> set_times(Step step, int fd, std::time_t both) override {
    const timespec times[2] = {whole_seconds(both), whole_seconds(both)};
    if (::futimens(fd, times) < 0) return failed_in(step, "set times", errno);
    return {};
  }
};

}  // namespace

Disk& real() {
  static RealDisk* const disk = new RealDisk;  // outlives every static object that may still write
  return *disk;
}

}  // namespace disk
