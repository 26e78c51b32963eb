#include "postlock/mailbox_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <thread>

#include "base/links.h"
#include "base/text.h"

namespace postlock {

namespace {

std::unexpected<base::Error> failed(std::string_view what) {
  return std::unexpected(base::errno_error(what));
}

// Makes x.lock, the lock that works where nothing else does. 0 or the reason.
int make_lock_file(const std::string& path) {
  const base::Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0));
  return fd ? 0 : errno;
}

bool is_stale(const std::string& path, std::chrono::seconds age) {
  struct stat state{};
  return ::lstat(path.c_str(), &state) == 0 && state.st_ctime + age.count() < std::time(nullptr);
}

// As a mailbox that a delivery makes. A link that its owner has put there would have root make and lock any file.
std::expected<base::Fd, base::Error> open_mailbox(const std::string& path) {
  constexpr int kFlags = O_RDWR | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  base::Fd fd(::open(path.c_str(), kFlags | O_CREAT | O_NOFOLLOW, 0600));
  if (!fd && errno == ELOOP) {
    if (!base::is_roots_link(path)) return std::unexpected(base::Error{"file is a symbolic link"});
    fd.reset(::open(path.c_str(), kFlags));
  }
  if (!fd) return failed("cannot open file");
  return fd;
}

// 0 or the reason; EAGAIN: someone else has it.
int lock_by_kernel(int fd, Style style) {
  if (style == Style::flock) return ::flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
  struct flock whole{};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (::fcntl(fd, F_SETLK, &whole) == 0) return 0;
  return errno == EACCES ? EAGAIN : errno;
}

}  // namespace

std::expected<std::vector<Style>, base::Error> parse_styles(std::string_view text) {
  std::vector<Style> styles;
  for (const auto word : base::split(text)) {
    if (word == "fcntl") {
      styles.push_back(Style::fcntl);
    } else if (word == "flock") {
      styles.push_back(Style::flock);
    } else if (word == "dotlock") {
      styles.push_back(Style::dotlock);
    } else {
      return std::unexpected(base::Error{fmt::format("unknown mailbox_delivery_lock value \"{}\" in \"{}\"",
                                                     base::printable(word), base::printable(text))});
    }
  }
  return styles;
}

std::expected<MailboxLock, base::Error> MailboxLock::take(const std::string& path, const std::vector<Style>& styles,
                                                          const Patience& patience) {
  MailboxLock lock;
  const std::string lock_file = path + ".lock";
  const auto opened = [&]() -> std::expected<void, base::Error> {
    if (lock.fd_) return {};
    auto fd = open_mailbox(path);
    if (!fd) return std::unexpected(fd.error());
    lock.fd_ = std::move(*fd);
    struct stat state{};
    if (::fstat(lock.fd_.get(), &state) != 0) return failed("cannot open file");
    if (!S_ISREG(state.st_mode)) return std::unexpected(base::Error{"cannot open file: not a regular file"});
    if (state.st_nlink != 1) return std::unexpected(base::Error{"cannot open file: it has more names than one"});
    return {};
  };
  // The lock file comes first, whatever the order: it guards the making of the mailbox, too.
  std::vector<Style> in_turn;
  if (std::ranges::find(styles, Style::dotlock) != styles.end()) in_turn.push_back(Style::dotlock);
  std::ranges::copy_if(styles, std::back_inserter(in_turn), [](Style style) { return style != Style::dotlock; });
  for (const Style style : in_turn) {
    if (style != Style::dotlock) {
      if (auto good = opened(); !good) return std::unexpected(good.error());
    }
    for (int attempt = 1;; ++attempt) {
      const int problem = style == Style::dotlock ? make_lock_file(lock_file) : lock_by_kernel(lock.fd_.get(), style);
      if (problem == 0) break;
      errno = problem;
      const bool is_taken = problem == EEXIST || problem == EAGAIN || problem == EINTR;
      if (!is_taken || attempt >= patience.attempts) {
        return style == Style::dotlock ? failed("unable to create lock file " + lock_file)
                                       : failed("unable to lock for exclusive access");
      }
      if (style == Style::dotlock && is_stale(lock_file, patience.stale)) {
        ::unlink(lock_file.c_str());
      } else {
        std::this_thread::sleep_for(patience.delay);
      }
    }
    if (style == Style::dotlock) lock.lock_file_ = lock_file;
  }
  if (auto good = opened(); !good) return std::unexpected(good.error());
  return lock;
}

MailboxLock::~MailboxLock() {
  if (!lock_file_.empty()) ::unlink(lock_file_.c_str());
}

}  // namespace postlock
