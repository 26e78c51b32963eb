#include "table/build_target.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace table {

namespace {

constexpr std::size_t kCopyChunk = 1024 * 1024;

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

bool may_write(const std::string& path) {
  return ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0;
}

Error failed(std::string_view what, const std::string& path) {
  return {base::with_errno(fmt::format("{} {}", what, path), errno)};
}

}  // namespace

std::expected<BuildTarget, Error> BuildTarget::create(const std::string& path, LockStyle style,
                                                      const base::ReplacementFile::Ownership& ownership) {
  BuildTarget target(path, style);
  if (!may_write(directory_of(path)) && may_write(path)) {
    target.elsewhere_ = "/tmp/table.XXXXXX";
    target.elsewhere_fd_.reset(::mkostemp(target.elsewhere_.data(), O_CLOEXEC));
    if (!target.elsewhere_fd_) {
      const Error error = failed("create", target.elsewhere_);
      target.elsewhere_.clear();
      return std::unexpected(error);
    }
    return target;
  }
  auto beside = base::ReplacementFile::create(path, ownership);
  if (!beside) {
    // The person asked for the table, not for its temporary file.
    const std::string made = "create " + path + ".tmp: ";
    std::string text = beside.error().text;
    if (text.starts_with(made)) text = fmt::format("open {}: {}", path, text.substr(made.size()));
    return std::unexpected(Error{text});
  }
  target.beside_.emplace(std::move(*beside));
  return target;
}

BuildTarget::BuildTarget(std::string path, LockStyle style) : path_(std::move(path)), style_(style) {}

BuildTarget::BuildTarget(BuildTarget&& other) noexcept
    : path_(std::move(other.path_)),
      style_(other.style_),
      beside_(std::move(other.beside_)),
      elsewhere_(std::exchange(other.elsewhere_, {})),
      elsewhere_fd_(std::move(other.elsewhere_fd_)) {}

BuildTarget::~BuildTarget() {
  if (!elsewhere_.empty()) ::unlink(elsewhere_.c_str());
}

const std::string& BuildTarget::building_path() const {
  return beside_ ? beside_->temporary_path() : elsewhere_;
}

int BuildTarget::fd() const {
  return beside_ ? beside_->fd() : elsewhere_fd_.get();
}

std::expected<void, Error> BuildTarget::commit(int held) {
  if (!beside_) return copy_over_old_file(held);
  auto committed = beside_->commit();
  if (!committed) return std::unexpected(Error{committed.error().text});
  return {};
}

std::expected<void, Error> BuildTarget::copy_over_old_file(int held) {
  base::Fd opened;
  std::optional<FileLock> lock;
  int old = held;
  if (held < 0) {
    opened.reset(::open(path_.c_str(), O_RDWR | O_CLOEXEC | O_NOCTTY));
    if (!opened) return std::unexpected(failed("open", path_));
    auto taken = FileLock::take(opened.get(), style_, LockKind::exclusive, path_);
    if (!taken) return std::unexpected(taken.error());
    lock.emplace(std::move(*taken));
    old = opened.get();
  }
  struct stat before{};
  struct stat after{};
  if (::fstat(old, &before) != 0) return std::unexpected(failed("stat", path_));
  if (::fstat(fd(), &after) != 0) return std::unexpected(failed("stat", elsewhere_));
  // Room first: what fails from here on leaves the old table damaged.
  const int no_room = ::posix_fallocate(old, 0, std::max<off_t>(after.st_size, 1));
  if (no_room != 0) {
    const int ignored = ::ftruncate(old, before.st_size);
    static_cast<void>(ignored);
    return std::unexpected(Error{base::with_errno("write " + path_, no_room)});
  }
  auto copied = copy_content(fd(), old, path_);
  if (!copied) return copied;
  if (::ftruncate(old, after.st_size) != 0 || ::fsync(old) != 0) return std::unexpected(failed("write", path_));
  return {};
}

base::ReplacementFile::Ownership keep_ownership(const std::string& path,
                                                const base::ReplacementFile::Ownership& ownership) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return ownership;
  return {status.st_uid, status.st_gid, status.st_mode & 0777};
}

std::expected<void, Error> copy_content(int from, int to, const std::string& path_for_error) {
  std::string chunk(kCopyChunk, '\0');
  off_t offset = 0;
  while (true) {
    const ssize_t got = ::pread(from, chunk.data(), chunk.size(), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(failed("read", path_for_error));
    if (got == 0) return {};
    for (ssize_t done = 0; done < got;) {
      const ssize_t put = ::pwrite(to, chunk.data() + done, static_cast<std::size_t>(got - done), offset + done);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return std::unexpected(failed("write", path_for_error));
      done += put;
    }
    offset += got;
  }
}

}  // namespace table
