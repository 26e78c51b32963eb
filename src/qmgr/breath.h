#pragma once
// For long work that never waits by itself: the other fibers, and those who come over a socket, have their turn every
// few milliseconds.

#include "io/wait.h"

namespace qmgr {

class Breath {
 public:
  void take_if_due() {
    const auto now = io::Clock::now();
    if (now - last_ < kInterval) return;
    io::sleep_until(io::Deadline::at(now));  // unlike yield() it has the loop look at the descriptors
    last_ = io::Clock::now();
  }

 private:
  static constexpr auto kInterval = std::chrono::milliseconds(2);
  io::Clock::time_point last_ = io::Clock::now();
};

}  // namespace qmgr
