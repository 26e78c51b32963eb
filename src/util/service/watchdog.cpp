#include "service/watchdog.h"

#include <signal.h>
#include <unistd.h>

#include "logging/log.h"

namespace service {

namespace {

constexpr int kParts = 3;

[[noreturn]] void end_process() {
  // Whoever hangs may hang inside of logging.
  std::thread([] { logging::fatal("service.watchdog", "watchdog timeout"); }).detach();
  std::this_thread::sleep_for(std::chrono::seconds(1));
  ::_exit(1);
}

}  // namespace

Watchdog::Watchdog(io::Clock::duration timeout) : part_(timeout / kParts) {
  // Signals are for the thread that serves.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { watch(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Watchdog::~Watchdog() {
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
