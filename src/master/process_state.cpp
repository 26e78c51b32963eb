#include "master/process_state.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <thread>

#include "base/error.h"
#include "command/alarm_clock.h"
#include "logging/log.h"

namespace master {

namespace {

constexpr unsigned kWatchdogSeconds = 1000;
constexpr int kLongestStart = 100'000;  // milliseconds
constexpr rlim_t kMostDescriptors = 65536;

}  // namespace

void close_inherited_descriptors() {
  ::close_range(STDERR_FILENO + 1, ~0U, 0);
}

void detach_standard_descriptors(bool keeps_output) {
  const base::Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) throw base::Fatal(base::with_errno("open /dev/null", errno));
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fd == STDOUT_FILENO && keeps_output) continue;
    if (::dup2(null.get(), fd) < 0) throw base::Fatal(base::with_errno("dup2", errno));
  }
}

bool lead_process_group() {
  if (::setsid() >= 0) return true;
  return ::getpgrp() == ::getpid();
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = std::min(limit.rlim_max, kMostDescriptors);
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = wanted;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);  // the lower limit serves, too
}

void Foreground::fork_away() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw base::Fatal(base::with_errno("pipe", errno));
  base::Fd reading(ends[0]);
  base::Fd writing(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) throw base::Fatal(base::with_errno("fork", errno));
  if (pid == 0) {
    pipe_ = std::move(writing);
    return;
  }
  writing.reset();
  struct pollfd asked{reading.get(), POLLIN, 0};
  int result = 0;
  do {
    result = ::poll(&asked, 1, kLongestStart);
  } while (result < 0 && errno == EINTR);
  if (result == 0) {
    logging::fatal("master.slow_start",
                   "the master process has not finished its initialization within {seconds} seconds",
                   {{"seconds", kLongestStart / 1000}});
    ::_exit(1);
  }
  char answer = 0;
  const bool is_ready = ::read(reading.get(), &answer, 1) == 1;
  ::_exit(is_ready ? 0 : 1);
}

void Foreground::ready() {
  if (!pipe_) return;
  (void)!::write(pipe_.get(), "1", 1);
  pipe_.reset();
}

void Watchdog::start() {
  command::end_at_alarm();
  beat();
}

void Watchdog::beat() {
  ::alarm(kWatchdogSeconds);
}

void run_debugger(const std::string& command) {
  const pid_t pid = ::fork();
  if (pid < 0) {
    logging::warning("master.no_debugger", "{reason}", {{"reason", base::with_errno("fork", errno)}});
    return;
  }
  if (pid > 0) {
    // It has to attach before anything happens that someone wants to see.
    std::this_thread::sleep_for(std::chrono::seconds(1));
    return;
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
  ::_exit(127);
}

}  // namespace master
