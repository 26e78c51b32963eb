#include "postlogd/postlogd.h"

#include <sys/signalfd.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <ctime>
#include <optional>

#include "base/error.h"
#include "command/open_logging.h"
#include "io/fiber.h"
#include "logging/destinations.h"
#include "logging/line_pipe.h"
#include "postlogd/log_writer.h"

namespace postlogd {

namespace {

using namespace std::chrono_literals;

// Under load, those who write meanwhile find nobody to wake, and many lines are one write.
constexpr std::chrono::nanoseconds kGatherFor = 2ms;

// Lines come by the pipe from master's children, as datagrams from everyone else. What is in the pipe when a datagram
// is at hand was written before it or at the same time.
class Collector : public service::Server {
 public:
  explicit Collector(int log_pipe) {
    if (log_pipe < 0) return;
    pipe_.emplace(log_pipe);
    // Before there are threads. The end of the mail system may come between two lines, but not between a line in the
    // file and its removal from the pipe: whoever empties it next would write it once more.
    ::sigemptyset(&end_signal_);
    ::sigaddset(&end_signal_, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &end_signal_, nullptr);
  }

  void start() override {
    if (!pipe_) return;
    signals_.reset(::signalfd(-1, &end_signal_, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals_) throw base::Fatal(base::with_errno("signalfd", errno));
    io::spawn("signal", [this] {
      signalfd_siginfo info;
      while (::read(signals_.get(), &info, sizeof info) < 0)
        (void)io::wait_readable_again(signals_.get(), io::Deadline::never());
      take_all_lines();
      ::signal(SIGTERM, SIG_DFL);
      ::sigprocmask(SIG_UNBLOCK, &end_signal_, nullptr);
      ::raise(SIGTERM);
    });
  }

  void datagram(std::string_view text) override {
    take_all_lines();
    put(text);
  }
  void no_more_datagrams() override { store(); }

  Server::Lines take_lines() override {
    switch (pipe_->take(put_, store_)) {
      case logging::PipeReader::Taken::something:
        break;
      case logging::PipeReader::Taken::nothing:
        return Server::Lines::nothing;
      case logging::PipeReader::Taken::end:
        return Server::Lines::end;
    }
    const timespec pause{0, kGatherFor.count()};
    ::nanosleep(&pause, nullptr);
    return Server::Lines::something;
  }

  void finish(io::Deadline) override {
    if (!pipe_) return;
    take_all_lines();
    pipe_->give_up_rest(put_);
    store();
  }

 protected:
  virtual void put(std::string_view sent) = 0;
  virtual void store() {}  // what put() got is safe now

 private:
  void take_all_lines() {
    if (pipe_) pipe_->take_all(put_, store_);
  }

  const logging::PipeReader::Line put_ = [this](std::string_view line) { put(line); };
  const std::function<void()> store_ = [this] { store(); };
  std::optional<logging::PipeReader> pipe_;
  sigset_t end_signal_{};
  base::Fd signals_;
};

class ToFile : public Collector {
 public:
  ToFile(int log_pipe, base::Fd fd, const logging::Setup& setup)
      : Collector(log_pipe), writer_(std::move(fd)), path_(setup.file), form_(setup.file_form) {}

  // The file has been rotated: whoever starts us next opens the new one, as root where it takes root.
  std::string stale() override {
    if (path_ == "/dev/stdout") return {};
    writer_.flush();
    struct stat at_path{};
    struct stat opened{};
    if (::fstat(writer_.fd(), &opened) != 0) return {};
    if (::stat(path_.c_str(), &at_path) != 0) return errno == ENOENT ? path_ : std::string();
    return at_path.st_ino == opened.st_ino && at_path.st_dev == opened.st_dev ? std::string() : path_;
  }

 protected:
  void put(std::string_view sent) override { writer_.append(logging::line_of(sent, form_, logging::identity())); }
  void store() override { writer_.flush(); }

 private:
  LogWriter writer_;
  std::string path_;
  logging::Form form_;
};

// No maillog_file: this program's own log is where a stranger's lines go, too.
class ToSyslog : public Collector {
 public:
  using Collector::Collector;

 protected:
  void put(std::string_view sent) override { logging::info("postlogd.text", "{text}", {{"text", sent}}); }
};

}  // namespace

std::unique_ptr<service::Server> open(const service::Context& context) {
  const logging::Setup setup = command::logging_setup(context.config, context.program);
  if (setup.file.empty()) return std::make_unique<ToSyslog>(context.log_pipe);
  auto fd = logging::open_log_file(setup.file, setup.file_mode);
  if (!fd) throw base::Fatal(fd.error().text);
  return std::make_unique<ToFile>(context.log_pipe, std::move(*fd), setup);
}

}  // namespace postlogd
