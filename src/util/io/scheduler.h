#pragma once
// The insides of the loop: who runs, who waits, and the switch between them. For this library's own files.

#include <boost/context/detail/fcontext.hpp>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <string>

#include "io/fiber.h"
#include "io/poller.h"
#include "io/stack_pool.h"
#include "io/timer_heap.h"
#include "io/wait.h"

namespace io::detail {

class OffloadPool;
class Scheduler;

// The C++ runtime's record of which exceptions a thread has caught and which are in flight, as the Itanium ABI lays it
// out. It belongs to a stack, not to a thread, so it is exchanged at each switch.
struct ExceptionState {
  void* caught = nullptr;
  unsigned int uncaught = 0;
};

struct Fiber {
  static constexpr std::size_t kNoTimer = ~std::size_t{0};
  enum class State { created, ready, running, waiting, done };

  Scheduler* scheduler = nullptr;
  State state = State::created;
  bool cancelled = false;
  bool cancellable = true;  // false while another thread works for it
  bool vital = false;       // an exception that leaves its body is run()'s
  unsigned progress = 0;    // operations since its last wait that did not have to wait
  Fiber* next_ready = nullptr;
  Clock::time_point deadline = Clock::time_point::max();  // of the present wait
  std::size_t timer_index = kNoTimer;

  boost::context::detail::fcontext_t context = nullptr;  // null until it has started
  Stack stack;
  ExceptionState exceptions;
  void* fake_stack = nullptr;  // AddressSanitizer's

  std::string name;
  std::function<void()> body;
  Condition ended;
  std::shared_ptr<void> self;  // keeps it until its end
  Fiber* previous = nullptr;   // among all fibers
  Fiber* next = nullptr;
};

// The fiber that this thread is inside of, and this thread's loop. Worker threads have neither, so that waits block
// there.
extern constinit thread_local Fiber* running;
extern constinit thread_local Scheduler* scheduler;

class Scheduler {
 public:
  static constexpr unsigned kProgressBeforeYielding = 32;

  explicit Scheduler(const Loop::Options& options);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  void close();              // ends all fibers; last of all
  void start(Fiber& fiber);  // throws, and the fiber never runs, when there is no memory for it
  void run();
  void stop() { stopping_ = true; }
  std::size_t fibers() const { return count_; }
  Clock::time_point now() const { return now_; }  // as of this turn
  Poller& poller() { return poller_; }

  // Turns until the fiber is done or the deadline has passed; for join() outside of fibers.
  void run_until_done(const Fiber& fiber, Clock::time_point deadline);

  // --- for the running fiber ---
  // Until wake(), the deadline, or cancel().
  void suspend(Clock::time_point deadline);
  void yield();
  // The start and the end of each wait. Throws Cancelled in a cancelled fiber; true instead when one unwinds already:
  // its destructors cannot throw, so their waits end at once.
  bool refuses_to_wait() const;
  // After each operation that did not have to wait: at times lets the others run, however busy the peer keeps this
  // fiber.
  void note_progress() {
    if (++running->progress >= kProgressBeforeYielding) yield();
  }
  // Whether nothing could run while this fiber blocks.
  bool nothing_else_is_ready();
  OffloadPool* pool();  // null without threads

  void wake_fiber(Fiber& fiber);
  void cancel(Fiber& fiber);

 private:
  void turn(Clock::time_point latest, const Fiber* awaited = nullptr);
  void collect(Clock::time_point latest);
  void resume(Fiber& fiber);
  void switch_to_loop(Fiber& fiber, bool for_ever);
  void retire(Fiber& fiber) noexcept;
  void run_body(Fiber& fiber) noexcept;
  static void enter(boost::context::detail::transfer_t from);

  Poller poller_;
  TimerHeap timers_;
  StackPool stacks_;
  std::size_t offload_threads_;
  std::unique_ptr<OffloadPool> pool_;

  Fiber* first_ready_ = nullptr;
  Fiber* last_ready_ = nullptr;
  Fiber* all_ = nullptr;
  std::size_t count_ = 0;
  Clock::time_point now_;
  bool stopping_ = false;
  bool closing_ = false;
  std::exception_ptr fatal_;

  boost::context::detail::fcontext_t loop_context_ = nullptr;
  void* loop_fake_stack_ = nullptr;
  const void* loop_stack_low_ = nullptr;
  std::size_t loop_stack_size_ = 0;
};

inline void wake(Fiber& fiber) {
  fiber.scheduler->wake_fiber(fiber);
}

// One wait for a descriptor, inside or outside of a fiber.
Wakeup wait_for(int fd, Direction direction, Known known, Deadline deadline);
// A number that the kernel has just given out: what is known of it is about its last owner.
void fresh(int fd);
// Before close(), of a descriptor that no one else holds.
void closing(int fd);
// As Deadline::passed(), by the loop's clock inside a fiber.
bool passed(Deadline deadline);

}  // namespace io::detail
