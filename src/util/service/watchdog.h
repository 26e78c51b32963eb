#pragma once
// Ends a process whose loop no longer turns.

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "io/wait.h"

namespace service {

class Watchdog {
 public:
  // The time is watched in three parts, so that a machine that slept, or a clock that jumped, costs one of them only.
  explicit Watchdog(io::Clock::duration timeout);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  void pat();
  io::Clock::duration interval() const { return part_ / 2; }  // how often to

 private:
  void watch();

  io::Clock::duration part_;
  std::atomic<int> parts_ = 0;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace service
