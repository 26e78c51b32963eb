#include "delivery/mbox.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <random>

#include "base/links.h"
#include "io/wait.h"
#include "logging/log.h"

namespace delivery {

namespace {

constexpr mode_t kFileMode = 0600;
constexpr std::chrono::milliseconds kFirstPause{2};
constexpr int kOpenFlags = O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

std::unexpected<MailboxError> failed(std::string_view what, int number) {
  return std::unexpected(MailboxError{number, base::with_errno(what, number)});
}
std::unexpected<MailboxError> refused(std::string text) {
  return std::unexpected(MailboxError{0, std::move(text)});
}

// Somebody else is at the mailbox; later it may be free.
struct Busy {
  MailboxError error;  // if it never is
};
using Problem = std::variant<MailboxError, Busy>;

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// <path>.lock. Goes with the object, as whoever runs then.
class Dotlock {
 public:
  Dotlock(disk::Disk& disk, std::string path) : disk_(&disk), path_(std::move(path)) {}
  Dotlock(Dotlock&& other) noexcept : disk_(other.disk_), path_(std::exchange(other.path_, {})) {}
  Dotlock& operator=(Dotlock&&) = delete;
  ~Dotlock() {
    if (path_.empty()) return;
    if (const auto gone = disk_->unlink("mbox.unlock", path_); !gone) {
      logging::warning("mbox.unlock", "{error}", {{"error", gone.error().text}});
    }
  }

 private:
  disk::Disk* disk_;
  std::string path_;  // empty: moved from
};

// A lock whose maker is gone. It must be the same file and as old at both looks: another process may have replaced it.
void remove_stale(disk::Disk& disk, const std::string& path, std::chrono::seconds limit) {
  struct stat first{};
  struct stat second{};
  const auto is_old = [&](const struct stat& status) { return std::time(nullptr) - status.st_ctime > limit.count(); };
  if (::lstat(path.c_str(), &first) != 0 || !is_old(first)) return;
  if (::lstat(path.c_str(), &second) != 0 || !same_file(first, second) || !is_old(second)) return;
  if (disk.unlink("mbox.unlink_stale", path)) {
    logging::warning("mbox.stale_lock", "removed stale lock file {path}", {{"path", path}});
  }
}

std::expected<Dotlock, Problem> take_dotlock(disk::Disk& disk, const std::string& mailbox, std::chrono::seconds stale) {
  const std::string path = mailbox + ".lock";
  for (const bool again : {true, false}) {
    const auto made = disk.create("mbox.dotlock", path, 0);
    if (made) return Dotlock(disk, path);
    const MailboxError error{made.error().number,
                             base::with_errno("unable to create lock file " + path, made.error().number)};
    if (error.number != EEXIST) return std::unexpected(Problem{error});
    if (!again) return std::unexpected(Problem{Busy{error}});
    remove_stale(disk, path, stale);
  }
  return std::unexpected(Problem{MailboxError{0, path}});  // not reached
}

bool lock_with_kernel(int fd, const LockMethods& methods) {
  if (methods.fcntl) {
    struct flock whole{};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    if (::fcntl(fd, F_SETLK, &whole) != 0) return false;
  }
  return !methods.flock || ::flock(fd, LOCK_EX | LOCK_NB) == 0;
}

struct OpenMbox {
  // Closed before the lock goes: members go in reverse order.
  std::optional<Dotlock> dotlock;
  base::Fd fd;
  bool created = false;
  std::int64_t size = 0;
};

// Reading is only wanted for a look at the last byte: a mailbox that its owner may only write to gets its mail, too.
base::Fd open_existing(const std::string& path, int more_flags) {
  base::Fd fd(::open(path.c_str(), kOpenFlags | O_RDWR | more_flags));
  if (!fd && errno == EACCES) fd = base::Fd(::open(path.c_str(), kOpenFlags | O_WRONLY | more_flags));
  return fd;
}

// The file, opened or created, not checked.
std::expected<OpenMbox, MailboxError> open_or_create(disk::Disk& disk, const MboxTarget& target) {
  OpenMbox mbox;
  for (int attempt = 0; attempt < 3; ++attempt) {
    mbox.fd = open_existing(target.path, O_NOFOLLOW);
    if (!mbox.fd && errno == ELOOP && base::is_roots_link(target.path)) {
      mbox.fd = open_existing(target.path, 0);
      if (!mbox.fd) return failed("cannot open file", errno);
    }
    if (mbox.fd) return mbox;
    if (errno != ENOENT) return failed("cannot open file", errno);
    auto made = disk.create("mbox.create", target.path, kFileMode);
    if (!made && made.error().number == EEXIST) continue;  // made just now by somebody else
    if (!made) return failed("cannot create file", made.error().number);
    mbox.fd = std::move(*made);
    mbox.created = true;
    if (target.give_to_owner) {
      const auto given = disk.set_owner("mbox.give", mbox.fd.get(), target.owner.uid, target.owner.gid);
      if (!given) {
        (void)disk.unlink("mbox.uncreate", target.path);
        return failed("cannot give file to its owner", given.error().number);
      }
    }
    if (::fcntl(mbox.fd.get(), F_SETFL, O_APPEND) != 0) return failed("cannot open file", errno);
    return mbox;
  }
  return failed("cannot create file", EEXIST);
}

// Nothing when it is a file to write to.
std::expected<void, Problem> check(const OpenMbox& mbox, const MboxTarget& target, bool strict) {
  struct stat open_file{};
  struct stat named{};
  if (::fstat(mbox.fd.get(), &open_file) != 0) {
    return std::unexpected(Problem{MailboxError{errno, base::with_errno("cannot look at file", errno)}});
  }
  if (!S_ISREG(open_file.st_mode)) {
    return std::unexpected(Problem{MailboxError{0, fmt::format("destination {} is not a regular file", target.path)}});
  }
  if (open_file.st_nlink > 1) {
    return std::unexpected(Problem{MailboxError{0, fmt::format("file has {} hard links", open_file.st_nlink)}});
  }
  // Replaced or removed by its reader while we waited for the lock: the new one it is.
  if (open_file.st_nlink == 0 || ::stat(target.path.c_str(), &named) != 0 || !same_file(open_file, named)) {
    return std::unexpected(Problem{Busy{{0, "file was replaced while it was being locked"}}});
  }
  if (strict && open_file.st_uid != target.owner.uid) {
    logging::warning("mbox.ownership",
                     "specify \"strict_mailbox_ownership = no\" to ignore mailbox ownership mismatch");
    return std::unexpected(
        Problem{MailboxError{0, fmt::format("destination {} is not owned by recipient", target.path)}});
  }
  return {};
}

std::expected<OpenMbox, Problem> try_open(disk::Disk& disk, const MailboxSettings& settings, const MboxTarget& target) {
  std::optional<Dotlock> dotlock;
  if (settings.locks.dotlock) {
    auto taken = take_dotlock(disk, target.path, settings.stale_lock);
    if (!taken) return std::unexpected(taken.error());
    dotlock.emplace(std::move(*taken));
  }
  auto opened = open_or_create(disk, target);
  if (!opened) return std::unexpected(Problem{opened.error()});
  OpenMbox mbox{.dotlock = std::nullopt, .fd = std::move(opened->fd), .created = opened->created, .size = 0};
  if (dotlock) mbox.dotlock.emplace(std::move(*dotlock));
  if (!lock_with_kernel(mbox.fd.get(), settings.locks)) {
    const MailboxError error{errno, base::with_errno("unable to lock for exclusive access", errno)};
    const bool busy = errno == EAGAIN || errno == EACCES;
    return std::unexpected(busy ? Problem{Busy{error}} : Problem{error});
  }
  if (auto fit = check(mbox, target, settings.strict_ownership); !fit) return std::unexpected(fit.error());
  struct stat status{};
  if (::fstat(mbox.fd.get(), &status) != 0) {
    return std::unexpected(Problem{MailboxError{errno, base::with_errno("cannot look at file", errno)}});
  }
  mbox.size = status.st_size;
  return mbox;
}

// Half of the delay to one and a half of it, so that those who wait for the same mailbox come one after another.
io::Clock::duration pause_of(std::chrono::milliseconds delay) {
  thread_local std::minstd_rand random{std::random_device{}()};
  std::uniform_int_distribution<std::int64_t> spread(delay.count() / 2, delay.count() + delay.count() / 2);
  return std::chrono::milliseconds(spread(random));
}

std::expected<Identity, MailboxError> act_as(const Ids& ids) {
  auto identity = Identity::become(ids);
  if (!identity) return refused(identity.error().text);
  return std::move(*identity);
}

std::expected<OpenMbox, MailboxError> open_locked(disk::Disk& disk, const MailboxSettings& settings,
                                                  const MboxTarget& target) {
  // A delivery of our own is done within milliseconds, somebody's mail reader may take its time: the pauses grow.
  const auto last_attempt = io::Clock::now() + settings.lock_delay * std::max(0, settings.lock_attempts - 1);
  for (auto pause = std::min(kFirstPause, settings.lock_delay);; pause = std::min(2 * pause, settings.lock_delay)) {
    {
      const auto identity = act_as(target.opener);
      if (!identity) return std::unexpected(identity.error());
      auto mbox = try_open(disk, settings, target);
      if (mbox) return std::move(*mbox);
      if (const auto* error = std::get_if<MailboxError>(&mbox.error())) return std::unexpected(*error);
      if (io::Clock::now() >= last_attempt) return std::unexpected(std::get<Busy>(mbox.error()).error);
    }
    io::sleep_until(io::Deadline::after(pause_of(pause)));  // as ourselves
  }
}

// A text that an earlier, interrupted delivery left without its end would swallow this message's first line.
bool ends_within_a_line(const OpenMbox& mbox) {
  char last = '\n';
  return mbox.size > 0 && ::pread(mbox.fd.get(), &last, 1, mbox.size - 1) == 1 && last != '\n';
}

// Gives the file its old length back unless the text came to its end.
class Undo {
 public:
  Undo(disk::Disk& disk, const OpenMbox& mbox, const std::string& path) : disk_(disk), mbox_(mbox), path_(path) {}
  Undo(const Undo&) = delete;
  Undo& operator=(const Undo&) = delete;
  ~Undo() {
    if (kept_) return;
    if (const auto cut = disk_.truncate("mbox.truncate", mbox_.fd.get(), mbox_.size); !cut) {
      logging::warning("mbox.truncate", "cannot truncate mailbox {path} to its old length: {error}",
                       {{"path", path_}, {"error", cut.error().text}});
    }
  }
  void keep() { kept_ = true; }

 private:
  disk::Disk& disk_;
  const OpenMbox& mbox_;
  const std::string& path_;
  bool kept_ = false;
};

MailboxResult append(disk::Disk& disk, const MailboxSettings& settings, const MboxTarget& target, const OpenMbox& mbox,
                     const TextWriter& write) {
  constexpr std::string_view kWriting = "error writing message";
  Undo undo(disk, mbox, target.path);
  std::int64_t size = mbox.size;
  const auto sink = [&](std::string_view piece) -> disk::Result<void> {
    size += static_cast<std::int64_t>(piece.size());
    if (settings.size_limit > 0 && size > settings.size_limit) {
      return std::unexpected(disk::Error{EFBIG, base::with_errno("write " + target.path, EFBIG)});
    }
    return disk.write("mbox.write", mbox.fd.get(), piece);
  };
  if (ends_within_a_line(mbox)) {
    if (const auto ended = sink("\n\n"); !ended) return failed(kWriting, ended.error().number);
  }
  if (const auto written = write(sink); !written) return failed(kWriting, written.error().number);
  if (const auto synced = disk.sync("mbox.sync", mbox.fd.get()); !synced) {
    return failed(kWriting, synced.error().number);
  }
  if (mbox.created) {
    const auto synced = disk.sync_directory("mbox.sync_directory", directory_of(target.path));
    // A folder that we may write to and not list. The usual file systems keep a new name when its file is synced.
    if (!synced && synced.error().number != EACCES) {
      return failed("cannot sync the mailbox's folder", synced.error().number);
    }
  }
  undo.keep();
  return {};
}

// Unlocks as the one who locked.
class Opened {
 public:
  Opened(OpenMbox mbox, const Ids& opener) : mbox_(std::move(mbox)), opener_(opener) {}
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  ~Opened() {
    const auto identity = act_as(opener_);
    mbox_.reset();
  }
  OpenMbox* operator->() { return &*mbox_; }
  const OpenMbox& operator*() const { return *mbox_; }

 private:
  std::optional<OpenMbox> mbox_;
  Ids opener_;
};

}  // namespace

std::expected<std::int64_t, MailboxError> deliver_to_mbox(disk::Disk& disk, const MailboxSettings& settings,
                                                          const MboxTarget& target, const TextWriter& write) {
  auto mbox = open_locked(disk, settings, target);
  if (!mbox) return std::unexpected(mbox.error());
  Opened opened(std::move(*mbox), target.opener);
  const std::int64_t offset = opened->size;

  const auto writer = act_as(target.owner);
  if (!writer) return std::unexpected(writer.error());
  if (auto appended = append(disk, settings, target, *opened, write); !appended) {
    return std::unexpected(appended.error());
  }
  // After the fsync: what a close may still complain about is worth a second delivery, not a loss.
  if (const auto closed = disk.close("mbox.close", std::move(opened->fd)); !closed) {
    return failed("error closing mailbox", closed.error().number);
  }
  return offset;
}

}  // namespace delivery
