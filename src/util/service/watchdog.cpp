#include "service/watchdog.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "command/alarm_clock.h"
#include "logging/log.h"

namespace service {

namespace {

constexpr int kParts = 3;

[[noreturn]] void end_process() {
  // Whoever hangs may hang inside of logging.
  try {
    std::thread([] { logging::fatal("service.watchdog", "watchdog timeout"); }).detach();
    std::this_thread::sleep_for(std::chrono::seconds(1));
  } catch (const std::exception&) {
    logging::fatal("service.watchdog", "watchdog timeout");
  }
  ::_exit(1);
}

}  // namespace

Watchdog::Watchdog(io::Clock::duration timeout) : part_(timeout / kParts) {
  // Signals are for the thread that serves.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread_ = std::thread([this] { watch(); });
  } catch (const std::exception&) {
    // The machine, or the user, has no thread left. The kernel's alarm clock needs none.
    command::end_at_alarm();
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pat();
}

void Watchdog::pat() {
  parts_.store(0, std::memory_order_relaxed);
  if (thread_.joinable()) return;
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(part_ * kParts).count();
  ::alarm(static_cast<unsigned>(std::clamp<decltype(seconds)>(seconds, 1, std::numeric_limits<int>::max())));
}

Watchdog::~Watchdog() {
  if (!thread_.joinable()) {
    ::alarm(0);
    return;
  }
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
  }
  ended_.notify_one();
  thread_.join();
}

void Watchdog::watch() {
  std::unique_lock lock(mutex_);
  while (!ended_.wait_for(lock, part_, [this] { return ending_; })) {
    if (parts_.fetch_add(1, std::memory_order_relaxed) + 1 >= kParts) end_process();
  }
}

}  // namespace service
