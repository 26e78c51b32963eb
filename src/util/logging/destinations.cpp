#include "logging/destinations.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>

#include "base/error.h"
#include "base/fd.h"
#include "logging/append.h"
#include "logging/line_pipe.h"
#include "logging/record.h"

namespace logging {

namespace {

class StandardError : public Destination {
 public:
  explicit StandardError(Level from) : from_(from) {}

  void put(Level level, std::string_view record, const Identity& identity) noexcept override {
    if (level < from_) return;
    try {
      write_line(STDERR_FILENO, fmt::format("{}: {}\n", identity.program, record));
    } catch (...) {
    }
  }

  void put_last_words(std::string_view line) noexcept override { write_line(STDERR_FILENO, line); }

 private:
  Level from_;
};

int syslog_priority(Level level) {
  switch (level) {
    case Level::debug:
      return LOG_INFO;  // syslogd setups drop the debug level; whoever says -v wants to see it
    case Level::info:
      return LOG_INFO;
    case Level::warning:
      return LOG_WARNING;
    case Level::error:
      return LOG_ERR;
    case Level::fatal:
    case Level::panic:
      return LOG_CRIT;
  }
  return LOG_INFO;
}

class SyslogSocket : public Destination {
 public:
  SyslogSocket(std::string path, int facility)
      : path_(std::move(path)), facility_(facility == 0 ? LOG_MAIL : facility) {
    connect();  // now, because later a chroot may hide the socket
  }

  void put(Level level, std::string_view record, const Identity& identity) noexcept override {
    try {
      const std::string datagram = fmt::format("<{}>{} {}[{}]: {}", facility_ | syslog_priority(level), timestamp(),
                                               tag(identity), ::getpid(), cut(record, kLongestText));
      if (!send(datagram) && connect()) (void)send(datagram);
    } catch (...) {
    }
  }

 private:
  bool connect() {
    for (const int kind : {SOCK_DGRAM, SOCK_STREAM}) {
      base::Fd fd(::socket(AF_UNIX, kind | SOCK_CLOEXEC, 0));
      struct sockaddr_un address{};
      if (!fd || path_.size() >= sizeof address.sun_path) return false;
      const struct timeval patience{1, 0};
      ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
      address.sun_family = AF_UNIX;
      std::memcpy(address.sun_path, path_.data(), path_.size());
      if (::connect(fd.get(), reinterpret_cast<const struct sockaddr*>(&address), sizeof address) == 0) {
        fd_ = std::move(fd);
        stream_ = kind == SOCK_STREAM;
        return true;
      }
      if (errno != EPROTOTYPE) return false;
    }
    return false;
  }

  bool send(const std::string& datagram) {
    if (!fd_) return false;
    // In a stream, the NUL byte is what ends a record.
    const std::size_t size = datagram.size() + (stream_ ? 1 : 0);
    const ssize_t sent = ::send(fd_.get(), datagram.c_str(), size, MSG_NOSIGNAL | (stalled_ ? MSG_DONTWAIT : 0));
    const int reason = errno;
    stalled_ = sent < 0 && reason == EAGAIN;
    // Half a record in a stream would run into the next one.
    if (stream_ && sent >= 0 && static_cast<std::size_t>(sent) < size) fd_.reset();
    // A listener that is there but slow is not helped by a new connection.
    return sent >= 0 || stalled_ || reason == EMSGSIZE;
  }

  std::string path_;
  int facility_;
  base::Fd fd_;
  bool stream_ = false;
  bool stalled_ = false;
};

// What stands in a log file, with its newline.
std::string file_line(Form form, std::string_view record, const Identity& identity) {
  if (form == Form::json) return fmt::format("{}\n", record);
  return fmt::format("{} {} {}[{}]: {}\n", timestamp(), identity.host, tag(identity), ::getpid(),
                     cut(record, kLongestText));
}

class LogFile : public Destination {
 public:
  LogFile(AppendedFile file, Form form) : file_(std::move(file)), form_(form) {}

  void put(Level, std::string_view record, const Identity& identity) noexcept override {
    try {
      file_.append(file_line(form_, record, identity));
    } catch (...) {
    }
  }

  void put_last_words(std::string_view line) noexcept override { write_line(file_.fd(), line); }

 private:
  AppendedFile file_;
  Form form_;
};

class PostlogSocket : public Destination {
 public:
  PostlogSocket(std::string path, std::string file, AppendedFile spare, Form form, int pipe)
      : path_(std::move(path)), file_(std::move(file)), spare_(std::move(spare)), form_(form), pipe_(pipe) {}

  // Who may not reach the socket, as ordinary users may not, loses records and is not bothered with that.
  bool is_reachable() { return connect() || errno == EACCES; }

  void put(Level, std::string_view record, const Identity& identity) noexcept override {
    try {
      const std::string line = file_line(form_, record, identity);
      if (pipe_.put(line)) return;
      const std::string_view datagram = std::string_view(line).substr(0, line.size() - 1);
      if (send(datagram, MSG_DONTWAIT)) return;
      // Records that wait in the socket would come after one that we write now, so a postlogd that is only busy gets a
      // moment; one that stands still gets it once.
      const bool was_stalled = stalled_;
      if (full_ && !stalled_) {
        if (send_when_there_is_room(datagram)) return;
        stalled_ = full_;
      }
      if (append(line)) return;
      // Who cannot write the file waits longer.
      if (stalled_ && !was_stalled) (void)send(datagram, 0);
    } catch (...) {
    }
  }

  void put_last_words(std::string_view line) noexcept override {
    if (pipe_.put(line)) return;
    const AppendedFile now = by_name();
    if (now || spare_) write_line(now ? now.fd() : spare_.fd(), line);
  }

 private:
  bool send(std::string_view datagram, int flags) {
    full_ = false;
    for (int attempt = 0; attempt < 2; ++attempt) {
      if (!fd_ && !connect()) return false;
      if (::send(fd_.get(), datagram.data(), datagram.size(), flags | MSG_NOSIGNAL) >= 0) {
        stalled_ = false;
        return true;
      }
      full_ = errno == EAGAIN;
      if (full_ || errno == EMSGSIZE) return false;
      fd_.reset();  // the socket may have been made anew
    }
    return false;
  }

  bool send_when_there_is_room(std::string_view datagram) {
    const auto end = std::chrono::steady_clock::now() + kMoment;
    while (full_ && fd_) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
      struct pollfd room{fd_.get(), POLLOUT, 0};
      if (left.count() <= 0 || ::poll(&room, 1, static_cast<int>(left.count())) <= 0) return false;
      if (send(datagram, MSG_DONTWAIT)) return true;
    }
    return false;
  }

  bool connect() {
    struct sockaddr_un address{};
    base::Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!fd || path_.empty() || path_.size() >= sizeof address.sun_path) return false;
    const struct timeval patience{1, 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.data(), path_.size());
    if (::connect(fd.get(), reinterpret_cast<const struct sockaddr*>(&address), sizeof address) != 0) {
      const int reason = errno;
      fd.reset();
      errno = reason;
      return false;
    }
    fd_ = std::move(fd);
    return true;
  }

  // It may have been rotated since; the descriptor from the start is for who may not open it, or no longer can.
  AppendedFile by_name() const { return file_ == "/dev/stdout" ? AppendedFile() : AppendedFile::open(file_); }

  bool append(std::string_view line) {
    AppendedFile now = by_name();
    if (!now && !spare_) return false;
    (now ? now : spare_).append(line);
    return true;
  }

  std::string path_;
  std::string file_;
  AppendedFile spare_;
  Form form_;
  PipeWriter pipe_;
  base::Fd fd_;
  bool full_ = false;     // the last datagram found no room
  bool stalled_ = false;  // nor a second later
};

}  // namespace

// Local time as all syslog files have it, in English whatever the locale.
std::string timestamp() {
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t now = ::time(nullptr);
  struct tm parts{};
  ::localtime_r(&now, &parts);
  return fmt::format("{} {:2} {:02}:{:02}:{:02}", kMonths[static_cast<std::size_t>(parts.tm_mon) % 12], parts.tm_mday,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::unique_ptr<Destination> standard_error(Level from) {
  return std::make_unique<StandardError>(from);
}

std::unique_ptr<Destination> syslog_socket(const std::string& path, int facility) {
  return std::make_unique<SyslogSocket>(path, facility);
}

namespace {

std::expected<AppendedFile, base::Error> open_or_make(const std::string& path, unsigned mode) {
  AppendedFile file = AppendedFile::open_or_make(path, static_cast<mode_t>(mode & 0777));
  if (file) return file;
  const std::string what = fmt::format("open logfile '{}'", path);
  if (errno == ELOOP) {
    return std::unexpected(base::Error{what + ": a symbolic link that others may have put there"});
  }
  if (errno == EMLINK) return std::unexpected(base::Error{what + ": the file has several names (hard links)"});
  return std::unexpected(base::errno_error(what));
}

}  // namespace

std::expected<std::unique_ptr<Destination>, base::Error> log_file(const std::string& path, unsigned mode, Form form) {
  auto file = open_or_make(path, mode);
  if (!file) return std::unexpected(file.error());
  return std::make_unique<LogFile>(std::move(*file), form);
}

std::expected<std::unique_ptr<Destination>, base::Error> postlog_socket(const std::string& path,
                                                                        const std::string& file, unsigned mode,
                                                                        Form form, int pipe) {
  auto spare = open_or_make(file, mode);
  auto destination =
      std::make_unique<PostlogSocket>(path, file, spare ? std::move(*spare) : AppendedFile(), form, pipe);
  if (spare || pipe >= 0 || destination->is_reachable()) return destination;
  return std::unexpected(std::move(spare.error()));
}

std::expected<base::Fd, base::Error> open_log_file(const std::string& path, unsigned mode) {
  auto file = open_or_make(path, mode);
  if (!file) return std::unexpected(file.error());
  file->end_half_line();
  return std::move(*file).take();
}

}  // namespace logging
