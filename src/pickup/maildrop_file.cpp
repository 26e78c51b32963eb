#include "pickup/maildrop_file.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "queue/spool.h"

namespace pickup {

namespace {

std::unexpected<base::Error> refuse(std::string text) {
  return std::unexpected(base::Error{std::move(text)});
}

}  // namespace

std::expected<std::optional<MaildropFile>, base::Error> open_maildrop_file(const std::string& path,
                                                                           const queue::Id& name, uid_t mail_owner) {
  // First without opening: a FIFO or a device may act on being opened.
  struct stat before{};
  if (::lstat(path.c_str(), &before) != 0) {
    if (errno == ENOENT) return std::nullopt;
    return std::unexpected(base::errno_error(path));
  }
  if (!S_ISREG(before.st_mode)) return refuse(fmt::format("{}: uid {}: not a regular file", path, before.st_uid));
  if (!queue::mode::is_ready(before.st_mode)) return std::nullopt;

  base::Fd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) {
    if (errno == ENOENT) return std::nullopt;
    return refuse(fmt::format("open input file {}: cannot open file: {}", path, std::strerror(errno)));
  }
  struct stat now{};
  if (::fstat(fd.get(), &now) != 0) return std::unexpected(base::errno_error(path));
  if (now.st_dev != before.st_dev || now.st_ino != before.st_ino)
    return refuse(fmt::format("open input file {}: file was replaced while it was opened", path));
  // A second name could be in a directory of someone else, who would see the mail or have it sent twice.
  if (now.st_nlink != 1) return refuse(fmt::format("open input file {}: file has {} hard links", path, now.st_nlink));
  if (!S_ISREG(now.st_mode) || !queue::mode::is_ready(now.st_mode)) return std::nullopt;

  MaildropFile file{.fd = std::move(fd), .name = name, .path = path};
  file.uid = now.st_uid;
  file.time = now.st_mtime;
  file.requeued = now.st_uid == mail_owner && (now.st_mode & S_IROTH) == 0;
  return file;
}

}  // namespace pickup
