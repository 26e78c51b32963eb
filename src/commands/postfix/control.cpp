#include "postfix/control.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>

#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"
#include "config/param.h"
#include "postfix/check.h"
#include "postfix/service_check.h"
#include "postfix/smtp_server_check.h"

namespace postfix {

namespace {

namespace param = config::param;
using std::chrono::milliseconds;

constexpr std::string_view kNotRunning = "the Postfix mail system is not running";

pid_t require_master(const Installation& installation) {
  const auto pid = master_process(installation);
  if (!pid) throw base::Fatal(std::string(kNotRunning));
  return *pid;
}

void send(pid_t pid, int signal) {
  if (::kill(pid, signal) == 0 || errno == ESRCH) return;
  throw base::Fatal(base::with_errno(fmt::format("signal {} to process {}", signal, pid), errno));
}

// A structure that is not as the queue manager needs it is mended before it looks; what cannot be mended is no reason
// to leave all other mail where it is.
void mend_active_queue(const Installation& installation) {
  const std::string postsuper = installation.command_directory + "/postsuper";
  if (::access(postsuper.c_str(), X_OK) != 0 || !has_messages(installation, {"active"})) return;
  if (run_program(postsuper, {"-c", installation.config_directory, "active"}) != 0) {
    warn("postsuper could not mend the active queue; see above");
  }
}

void mend_rest_in_background(const Installation& installation) {
  const std::string postsuper = installation.command_directory + "/postsuper";
  if (::access(postsuper.c_str(), X_OK) != 0) return;
  if (!has_messages(installation, {"maildrop", "incoming", "deferred", "hold", "bounce", "defer", "trace"})) return;
  start_program(postsuper, {"-c", installation.config_directory});
}

// A descriptor that can be read once the process is gone, so that nobody has to look again and again.
base::Fd watch_process(pid_t pid) {
  return base::Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

// Whether it is gone within that time.
bool wait_for_end(const base::Fd& process, pid_t pid, milliseconds longest) {
  if (process) {
    struct pollfd asked{process.get(), POLLIN, 0};
    return ::poll(&asked, 1, static_cast<int>(longest.count())) > 0;
  }
  const auto end = std::chrono::steady_clock::now() + longest;
  while (::kill(pid, 0) == 0 || errno == EPERM) {
    if (std::chrono::steady_clock::now() >= end) return false;
    ::poll(nullptr, 0, 10);
  }
  return true;
}

}  // namespace

std::optional<pid_t> master_process(const Installation& installation) {
  const std::string path = installation.queue_directory + "/pid/master.pid";
  const base::Fd fd(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) {
    if (errno == ENOENT) return std::nullopt;
    throw base::Fatal(base::with_errno("open lock file " + path, errno));
  }
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return std::nullopt;
  char text[64];
  const ssize_t got = ::pread(fd.get(), text, sizeof text, 0);
  const auto pid = base::to_long(base::trim(std::string_view(text, got > 0 ? static_cast<std::size_t>(got) : 0)));
  if (!pid || *pid <= 0) throw base::Fatal(fmt::format("lock file {} is held, but has no process number in it", path));
  return static_cast<pid_t>(*pid);
}

int start(const Installation& installation, Foreground foreground) {
  if (master_process(installation)) throw base::Fatal("the Postfix mail system is already running");
  if (foreground == Foreground::no && installation.config[param::maillog_file] == "/dev/stdout") {
    throw base::Fatal("to log to standard output (maillog_file = /dev/stdout), start with \"postfix start-fg\"");
  }
  if (!is_fit_to_start(installation)) throw base::Fatal("Postfix integrity check failed!");
  look_over(installation);
  mend_active_queue(installation);
  inform("starting the Postfix mail system");
  const std::string master = installation.daemon_directory + "/master";
  if (foreground == Foreground::yes) {
    mend_rest_in_background(installation);
    become_program(master, {::getpid() == 1 ? "-i" : "-s"});
  }
  if (run_program(master, {"-w"}) != 0) throw base::Fatal("mail system startup failed");
  mend_rest_in_background(installation);
  return 0;
}

int stop(const Installation& installation) {
  const pid_t pid = require_master(installation);
  const base::Fd process = watch_process(pid);
  inform("stopping the Postfix mail system");
  send(pid, SIGTERM);
  constexpr int kPatience = 5;  // seconds
  for (int waited = 0; waited < kPatience; ++waited) {
    if (wait_for_end(process, pid, milliseconds(1000))) return 0;
    inform("waiting for the Postfix mail system to terminate");
  }
  warn("the mail system does not terminate; ending it by force");
  if (::getpgid(pid) == pid) (void)::kill(-pid, SIGKILL);
  send(pid, SIGKILL);
  return wait_for_end(process, pid, milliseconds(1000)) ? 0 : 1;
}

int quick_stop(const Installation& installation, std::string_view announcement) {
  const pid_t pid = require_master(installation);
  inform(announcement);
  send(pid, SIGTERM);
  return 0;
}

int drain(const Installation& installation) {
  const pid_t pid = require_master(installation);
  inform("stopping the Postfix mail system");
  send(pid, SIGUSR1);
  return 0;
}

int reload(const Installation& installation) {
  const pid_t pid = require_master(installation);
  if (!is_fit_to_start(installation)) throw base::Fatal("Postfix integrity check failed!");
  // The master would refuse it, too, but only its log would say so.
  const std::string master = installation.daemon_directory + "/master";
  Tally tally;
  if (run_program(master, {"-c", installation.config_directory, "-T"}) != 0) ++tally.errors;
  check_start_of_smtp_server(installation, tally);
  check_settings_of_daemons(installation, tally);
  if (tally.errors > 0) {
    throw base::Fatal("the configuration has errors; the mail system goes on with the one that it has");
  }
  look_over_settings(installation);
  inform("refreshing the Postfix mail system");
  mend_active_queue(installation);
  send(pid, SIGHUP);
  mend_rest_in_background(installation);
  return 0;
}

int status(const Installation& installation) {
  const auto pid = master_process(installation);
  if (!pid) {
    inform(kNotRunning);
    return 1;
  }
  inform(fmt::format("the Postfix mail system is running: PID: {}", *pid));
  return 0;
}

int flush(const Installation& installation) {
  become_program(installation.command_directory + "/postqueue", {"-c", installation.config_directory, "-f"});
}

}  // namespace postfix
