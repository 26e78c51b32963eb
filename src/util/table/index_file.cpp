#include "table/index_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "io/wait.h"
#include "logging/log.h"
#include "table/fold.h"

namespace table {

namespace {

constexpr auto kLockPatience = std::chrono::minutes(10);
constexpr auto kLockPause = std::chrono::milliseconds(5);

// A source file that was edited just now is probably being rebuilt right now.
constexpr time_t kEditingTime = 100;

// Open-file-description locks exclude the ordinary fcntl locks of other processes, but do not vanish when any other
// descriptor of the file is closed.
int try_lock(int fd, LockStyle style, short kind) {
  if (style == LockStyle::flock) {
    return ::flock(fd, (kind == F_RDLCK ? LOCK_SH : kind == F_WRLCK ? LOCK_EX : LOCK_UN) | LOCK_NB);
  }
  struct flock range{};
  range.l_type = kind;
  range.l_whence = SEEK_SET;
  return ::fcntl(fd, F_OFD_SETLK, &range);
}

}  // namespace

std::expected<FileLock, Error> FileLock::take(int fd, LockStyle style, LockKind kind, const std::string& path) {
  const short type = kind == LockKind::shared ? F_RDLCK : F_WRLCK;
  std::optional<io::Deadline> deadline;
  while (try_lock(fd, style, type) != 0) {
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EACCES) return std::unexpected(Error{base::with_errno("lock " + path, errno)});
    if (!deadline) deadline = io::Deadline::after(kLockPatience);
    if (deadline->passed()) return std::unexpected(Error{"lock " + path + ": another process keeps it locked"});
    io::sleep_until(io::Deadline::after(kLockPause).or_earlier(*deadline));
  }
  return FileLock(fd, style);
}

FileLock::~FileLock() {
  if (fd_ >= 0) try_lock(fd_, style_, F_UNLCK);
}

FileIdentity FileIdentity::of(const struct stat& status) {
  return {status.st_dev, status.st_ino, status.st_size, status.st_mtim};
}

bool FileIdentity::same_content(const FileIdentity& other) const {
  return same_file(other) && size == other.size && modified.tv_sec == other.modified.tv_sec &&
         modified.tv_nsec == other.modified.tv_nsec;
}

std::expected<IndexFile, Error> IndexFile::open(std::string path, Access access) {
  const std::string what = "open database " + path;
  // A FIFO must not hang the process.
  base::Fd fd(::open(path.c_str(), (access == Access::read ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) return std::unexpected(Error{base::with_errno(what, errno)});
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return std::unexpected(Error{base::with_errno(what, errno)});
  if (S_ISDIR(status.st_mode)) return std::unexpected(Error{base::with_errno(what, EISDIR), true});
  if (!S_ISREG(status.st_mode)) return std::unexpected(Error{what + ": not a regular file", true});
  return IndexFile(std::move(path), std::move(fd), FileIdentity::of(status));
}

IndexFile::IndexFile(std::string path, base::Fd fd, const FileIdentity& identity)
    : path_(std::move(path)), fd_(std::move(fd)), identity_(identity) {}

std::expected<std::string_view, Error> IndexFile::bytes(std::size_t least) {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  const bool same_tick = now.tv_nsec == looked_.tv_nsec && now.tv_sec == looked_.tv_sec;
  if (map_ && map_->was_cut()) map_.reset();
  if (map_ && same_tick && least <= map_->bytes().size()) return map_->bytes();
  looked_ = now;
  struct stat status{};
  if (::fstat(fd_.get(), &status) != 0) return std::unexpected(Error{base::with_errno("stat " + path_, errno)});
  const auto size = static_cast<std::size_t>(status.st_size);
  if (!map_ || map_->bytes().size() != size) {
    map_.reset();
    if (size == 0) return std::string_view();
    map_ = Mapping::of(fd_.get(), size);
    if (!map_) return std::unexpected(Error{base::with_errno("read " + path_, errno)});
  }
  return map_->bytes();
}

std::expected<void, Error> IndexFile::check_whole(bool also_size) const {
  bool whole = !map_ || !map_->was_cut();
  if (whole && map_ && also_size) {
    struct stat status{};
    whole = ::fstat(fd_.get(), &status) == 0 && static_cast<std::size_t>(status.st_size) >= map_->bytes().size();
  }
  if (whole) return {};
  return std::unexpected(Error{path_ + ": the file was cut off or is being rewritten"});
}

bool IndexFile::replaced() const {
  struct stat status{};
  if (::fstat(fd_.get(), &status) != 0 || status.st_nlink == 0) return true;
  if (::stat(path_.c_str(), &status) == 0 && identity_.same_file(FileIdentity::of(status))) return false;
  return !root_.has_moved();
}

bool IndexFile::changed() const {
  struct stat status{};
  return ::fstat(fd_.get(), &status) != 0 || !identity_.same_content(FileIdentity::of(status)) || replaced();
}

void IndexFile::warn_if_older_than(const std::string& source) const {
  struct stat status{};
  if (::stat(source.c_str(), &status) != 0) return;
  if (status.st_mtime <= identity_.modified.tv_sec || status.st_mtime >= std::time(nullptr) - kEditingTime) return;
  logging::warning("table.older_than_source", "database {database} is older than source file {source}",
                   {{"database", path_}, {"source", source}});
}

std::string_view without_nul(std::string_view stored) {
  return stored.substr(0, stored.find('\0'));
}

std::string folded(std::string_view key, const Options& options) {
  return options.folding == Folding::none ? std::string(key) : fold_key(key, options.utf8);
}

Duplicate on_duplicate(const Options& options, std::string_view table, std::string_view key) {
  if (options.replace_duplicates) return Duplicate::replace;
  if (!options.ignore_duplicates) {
    logging::warning("table.duplicate_key", "{table}: duplicate entry: \"{key}\"", {{"table", table}, {"key", key}});
  }
  return Duplicate::keep_old;
}

}  // namespace table
