#include "queue/spare.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "queue/lock.h"

namespace queue {

namespace {

std::unexpected<disk::Error> refused(std::string_view what, const std::string& path, int number) {
  return std::unexpected(disk::Error{number, base::with_errno(fmt::format("{} {}", what, path), number)});
}

}  // namespace

std::string spare_path(std::string_view name) {
  return fmt::format("{}/{}", kSpareFolder, name);
}

disk::Result<SpareFile> open_spare(std::string_view name) {
  const std::string path = spare_path(name);
  SpareFile file{};
  file.fd.reset(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file.fd) return refused("open", path, errno);
  const auto locked = try_lock(file.fd.get(), Lock::exclusive);
  if (!locked) return std::unexpected(locked.error());
  if (!*locked) return refused("lock", path, EAGAIN);
  struct stat status{};
  if (::fstat(file.fd.get(), &status) != 0) return refused("look at", path, errno);
  if (!S_ISREG(status.st_mode) || status.st_nlink != 1 || status.st_uid != ::geteuid()) {
    return refused("write over", path, EPERM);
  }
  file.inode = status.st_ino;
  file.size = status.st_size;
  file.mode = status.st_mode & 07777;
  return file;
}

disk::Result<void> remove_waste(disk::Disk& disk, disk::Step step, std::string_view name) {
  const auto file = open_spare(name);
  const auto is_gone = [](const disk::Error& error) { return error.number == ENOENT; };
  // Somebody is writing to it.
  if (!file && (is_gone(file.error()) || file.error().number == EAGAIN)) return {};
  auto removed = disk.unlink(step, spare_path(name));
  if (!removed && is_gone(removed.error())) return {};
  return removed;
}

}  // namespace queue
