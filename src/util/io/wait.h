#pragma once
// The only places where anything waits. Inside a fiber they give the CPU to the process's loop; outside of one they
// block with poll(2). So the same code serves daemons, commands and tests.

#include <algorithm>
#include <chrono>

namespace io {

using Clock = std::chrono::steady_clock;

// When an operation must have ended. Travels with it, through every layer.
class Deadline {
 public:
  static Deadline after(Clock::duration duration) {
    const Clock::time_point now = Clock::now();
    return duration < Clock::time_point::max() - now ? Deadline(now + duration) : never();
  }
  static Deadline at(Clock::time_point time) { return Deadline(time); }
  static Deadline never() { return Deadline(Clock::time_point::max()); }

  Clock::time_point time() const { return time_; }
  bool passed() const { return time_ != Clock::time_point::max() && Clock::now() >= time_; }
  Deadline or_earlier(Deadline other) const { return Deadline(std::min(time_, other.time_)); }

 private:
  explicit Deadline(Clock::time_point time) : time_(time) {}
  Clock::time_point time_;
};

enum class Wakeup { ready, timed_out };

// fd must be non-blocking. Ready also means: at its end, or broken; the next read or write tells which.
// At most one fiber waits for each direction of a descriptor.
Wakeup wait_readable(int fd, Deadline deadline);
Wakeup wait_writable(int fd, Deadline deadline);
// The same for a caller who has just been told EAGAIN: saves asking the kernel again.
Wakeup wait_readable_again(int fd, Deadline deadline);
Wakeup wait_writable_again(int fd, Deadline deadline);

void sleep_until(Deadline deadline);

// Lets other fibers run first. Does nothing outside of a fiber.
void yield();

// Thrown by every wait of a fiber that is being cancelled, so that its destructors run. Not a std::exception: only the
// fiber's own frame catches it, and `catch (...)` must throw it on.
struct Cancelled {};

// Must be called before a descriptor that was waited for is closed, so that the loop forgets it; Stream and Listener
// do.
void forget(int fd);

}  // namespace io
