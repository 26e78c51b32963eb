#pragma once
// What master waits for: descriptors, times, signals. It has no fibers: everything it does, it does at once.

#include <chrono>
#include <csignal>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "base/fd.h"

namespace master {

using Clock = std::chrono::steady_clock;

class Loop {
 public:
  Loop();  // throws base::Fatal

  // `happened` is called when fd can be read, or has an error, for as long as it is so.
  void watch_reading(int fd, std::function<void()> happened);
  // Once: when fd can be written to, or has an error.
  void watch_writing(int fd, std::function<void()> happened);
  void forget(int fd);  // before it is closed; harmless when it is not watched

  using TimerId = std::uint64_t;
  TimerId at(Clock::time_point when, std::function<void()> happened);
  TimerId after(Clock::duration delay, std::function<void()> happened) {
    return at(Clock::now() + delay, std::move(happened));
  }
  void cancel(TimerId timer);  // harmless when it has gone off

  // One turn: waits until something happens, but not beyond `longest`, and calls what it was about.
  void turn(Clock::duration longest);

 private:
  struct Watch {
    std::uint64_t serial;  // tells a number's next owner from the one that an event is about
    std::shared_ptr<std::function<void()>> happened;
    bool once;
  };
  void watch(int fd, std::uint32_t events, std::function<void()> happened, bool once);
  Clock::duration until_next_timer(Clock::duration longest) const;

  base::Fd epoll_;
  std::map<int, Watch> watches_;
  std::uint64_t next_serial_ = 1;
  std::map<std::pair<Clock::time_point, TimerId>, std::function<void()>> timers_;
  std::map<TimerId, Clock::time_point> timer_times_;
  TimerId next_timer_ = 1;
};

}  // namespace master
