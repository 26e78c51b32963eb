#pragma once
// Fibers and the loop that runs them: one thread, nothing migrates.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "io/wait.h"

namespace io {

// Holds on to a fiber: join() waits for its end, cancel() makes its current or next wait throw Cancelled. Dropping the
// handle lets the fiber run on by itself.
class FiberHandle {
 public:
  FiberHandle() = default;
  bool done() const;
  void cancel();
  // False: the deadline passed first. Outside of a fiber it runs the loop meanwhile.
  bool join(Deadline deadline = Deadline::never());

 private:
  friend class Loop;
  struct Shared;
  explicit FiberHandle(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  std::shared_ptr<Shared> shared_;
};

// The process's loop. There is at most one at a time; its constructor makes it current.
class Loop {
 public:
  struct Options {
    std::size_t stack_size = 256 * 1024;  // of which only touched pages cost memory; a guard page lies below
    std::size_t pooled_stacks = 1024;     // kept for the next fibers
    std::size_t offload_threads = 4;
  };
  Loop();
  explicit Loop(const Options& options);
  ~Loop();  // cancels what still runs
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  static Loop* current();

  // Starts a fiber; it runs first when the caller next waits. `name` is for diagnostics. An exception that leaves the
  // body is logged as an error with the name; it ends the fiber, not the process (Fatal is passed on to run()).
  // Throws std::bad_alloc or std::system_error, and the body never runs, when there is no memory for another one.
  FiberHandle spawn(std::string name, std::function<void()> body);
  // For a fiber without which the process is of no use: any exception that leaves the body is passed on to run().
  FiberHandle spawn_vital(std::string name, std::function<void()> body);

  // Runs until stop() is called or no fiber is left. Rethrows base::Fatal from a fiber, and what left a vital one.
  void run();
  void stop();

  std::size_t fibers() const;

 private:
  struct Impl;
  FiberHandle spawn(std::string name, std::function<void()> body, bool vital);
  std::unique_ptr<Impl> impl_;
  friend struct LoopAccess;
};

inline FiberHandle spawn(std::string name, std::function<void()> body) {
  return Loop::current()->spawn(std::move(name), std::move(body));
}
inline FiberHandle spawn_vital(std::string name, std::function<void()> body) {
  return Loop::current()->spawn_vital(std::move(name), std::move(body));
}
// For work that never ends: when an exception (but for Fatal) leaves the body, it is logged, and the body begins anew a
// second later.
FiberHandle spawn_steady(std::string name, std::function<void()> body);
bool in_fiber();

// Gives back to the system what deeper calls have touched of this fiber's stack: for code that has just done something
// deep (a TLS handshake) and will now mostly wait. Outside of a fiber nothing happens.
void trim_stack();

// Wakes fibers that wait for something to be true. None may wait when it is destroyed.
class Condition {
 public:
  Wakeup wait(Deadline deadline);  // until notified; only inside a fiber
  void notify_one();               // a notification that meets a cancelled fiber goes on to the next
  void notify_all();

 private:
  friend class Semaphore;
  struct Waiter;
  enum class Outcome { notified, timed_out, cancelled, cancelled_and_notified };
  Outcome wait_without_throwing(Deadline deadline);
  bool notify_first();  // false: no one waits
  void unlink(Waiter& waiter);
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
};

// At most `limit` fibers inside at once; they enter in the order of their coming.
class Semaphore {
 public:
  explicit Semaphore(std::size_t limit) : free_(limit) {}
  bool acquire(Deadline deadline);  // false: the deadline passed first
  void release();

 private:
  std::size_t free_;
  Condition available_;
};

// A place that was acquired, given back whatever ends the work. The semaphore must outlive it.
class Permit {
 public:
  explicit Permit(Semaphore& semaphore) : semaphore_(semaphore) {}
  Permit(const Permit&) = delete;
  Permit& operator=(const Permit&) = delete;
  ~Permit() { semaphore_.release(); }

 private:
  Semaphore& semaphore_;
};

}  // namespace io
