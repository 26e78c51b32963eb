#include "io/scheduler.h"

#include <cxxabi.h>

#include <cstring>
#include <limits>
#include <stdexcept>

#include "base/error.h"
#include "io/offload_pool.h"
#include "io/sanitizer.h"
#include "logging/log.h"

namespace io::detail {

namespace {

namespace context = boost::context::detail;

// Between two looks at the descriptors. While fibers have work a switch must not cost a system call; but they cannot
// keep the network waiting for long.
constexpr int kSwitchesBeforeCollecting = 64;

ExceptionState exchange_exceptions(const ExceptionState& next) {
  void* globals = abi::__cxa_get_globals();
  ExceptionState last;
  std::memcpy(&last, globals, sizeof last);
  std::memcpy(globals, &next, sizeof next);
  return last;
}

}  // namespace

constinit thread_local Fiber* running = nullptr;
constinit thread_local Scheduler* scheduler = nullptr;

Scheduler::Scheduler(const Loop::Options& options)
    : stacks_(options.stack_size, options.pooled_stacks),
      offload_threads_(options.offload_threads),
      now_(Clock::now()) {
  if (scheduler != nullptr) throw std::logic_error("there is a loop already");
  scheduler = this;
}

Scheduler::~Scheduler() {
  scheduler = nullptr;
}

void Scheduler::close() {
  closing_ = true;
  // A fiber may start others while it unwinds, so this goes on until none is left.
  while (all_ != nullptr) {
    for (Fiber* fiber = all_; fiber != nullptr;) {
      Fiber* next = fiber->next;
      cancel(*fiber);
      fiber = next;
    }
    turn(Clock::time_point::max());
  }
}

// All that a fiber needs from the system it has before it counts as one: who starts it hears that there is none, and a
// wait never allocates.
void Scheduler::start(Fiber& fiber) {
  timers_.make_room(count_ + 1);
  fiber.stack = stacks_.take();
  fiber.scheduler = this;
  fiber.next = all_;
  if (all_ != nullptr) all_->previous = &fiber;
  all_ = &fiber;
  ++count_;
  fiber.state = Fiber::State::waiting;
  wake_fiber(fiber);
}

void Scheduler::wake_fiber(Fiber& fiber) {
  if (fiber.state != Fiber::State::waiting) return;
  fiber.state = Fiber::State::ready;
  fiber.next_ready = nullptr;
  (last_ready_ != nullptr ? last_ready_->next_ready : first_ready_) = &fiber;
  last_ready_ = &fiber;
}

void Scheduler::cancel(Fiber& fiber) {
  if (fiber.state == Fiber::State::done) return;
  fiber.cancelled = true;
  if (fiber.cancellable) wake_fiber(fiber);
}

void Scheduler::run() {
  if (running != nullptr) throw std::logic_error("a loop runs outside of its fibers");
  while (count_ > 0 && !stopping_) {
    turn(Clock::time_point::max());
    if (fatal_) std::rethrow_exception(std::exchange(fatal_, nullptr));
  }
  stopping_ = false;
}

void Scheduler::run_until_done(const Fiber& fiber, Clock::time_point deadline) {
  // Who asks the loop to stop means run().
  bool stop_run = false;
  do {
    turn(deadline, &fiber);
    stop_run |= std::exchange(stopping_, false);
    if (fatal_) std::rethrow_exception(std::exchange(fatal_, nullptr));
  } while (fiber.state != Fiber::State::done && now_ < deadline);
  stopping_ = stop_run;
}

// Runs who is ready, then sees who else has become so.
void Scheduler::turn(Clock::time_point latest, const Fiber* awaited) {
  for (int switches = 0; first_ready_ != nullptr && switches < kSwitchesBeforeCollecting; ++switches) {
    Fiber& fiber = *first_ready_;
    first_ready_ = fiber.next_ready;
    if (first_ready_ == nullptr) last_ready_ = nullptr;
    resume(fiber);
    if ((stopping_ || fatal_) && !closing_) return;
    if (awaited != nullptr && awaited->state == Fiber::State::done) return;
  }
  if (count_ > 0) collect(latest);
}

void Scheduler::collect(Clock::time_point latest) {
  const Clock::time_point next = std::min(timers_.next(), latest);
  int timeout = -1;
  if (first_ready_ != nullptr || next <= now_) {
    timeout = 0;
  } else if (next != Clock::time_point::max()) {
    // Rounded up, so that a timer has come when the wait ends.
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now()).count();
    timeout = static_cast<int>(std::clamp<decltype(wait)>(wait, 0, std::numeric_limits<int>::max()));
  }
  // Events first: a fiber whose deadline has come together with its data gets the data.
  poller_.collect(timeout);
  now_ = Clock::now();
  while (Fiber* fiber = timers_.take_expired(now_)) wake_fiber(*fiber);
}

void Scheduler::resume(Fiber& fiber) {
  if (fiber.context == nullptr) {
    if (closing_) return retire(fiber);
    fiber.context = context::make_fcontext(fiber.stack.top(), fiber.stack.size, &Scheduler::enter);
  }
  running = &fiber;
  fiber.state = Fiber::State::running;
  const ExceptionState loop_exceptions = exchange_exceptions(fiber.exceptions);
  leave_stack(&loop_fake_stack_, fiber.stack.low, fiber.stack.size);
  const context::transfer_t from = context::jump_fcontext(fiber.context, &fiber);
  arrive_on_stack(loop_fake_stack_, nullptr, nullptr);
  fiber.context = from.fctx;
  fiber.exceptions = exchange_exceptions(loop_exceptions);
  running = nullptr;
  if (fiber.state == Fiber::State::done) retire(fiber);
}

// On the fiber's stack.
void Scheduler::switch_to_loop(Fiber& fiber, bool for_ever) {
  leave_stack(for_ever ? nullptr : &fiber.fake_stack, loop_stack_low_, loop_stack_size_);
  const context::transfer_t from = context::jump_fcontext(loop_context_, nullptr);
  arrive_on_stack(fiber.fake_stack, &loop_stack_low_, &loop_stack_size_);
  loop_context_ = from.fctx;
}

void Scheduler::enter(context::transfer_t from) {
  Fiber& fiber = *static_cast<Fiber*>(from.data);
  Scheduler& self = *fiber.scheduler;
  arrive_on_stack(nullptr, &self.loop_stack_low_, &self.loop_stack_size_);
  self.loop_context_ = from.fctx;
  self.run_body(fiber);
  fiber.state = Fiber::State::done;
  self.switch_to_loop(fiber, true);
  std::terminate();  // nobody resumes a fiber that is done
}

// Everything that the fiber owns is gone when this returns: its frames here are the last that are unwound.
void Scheduler::run_body(Fiber& fiber) noexcept {
  try {
    const std::function<void()> body = std::exchange(fiber.body, nullptr);
    body();
  } catch (const Cancelled&) {
  } catch (const base::Fatal& problem) {
    if (!fatal_ && !closing_) {
      fatal_ = std::current_exception();
    } else {
      logging::error("fiber.exception", "{fiber}: {problem}", {{"fiber", fiber.name}, {"problem", problem.what()}});
    }
  } catch (const std::exception& problem) {
    if (fiber.vital && !fatal_ && !closing_) {
      fatal_ = std::current_exception();
    } else {
      logging::error("fiber.exception", "{fiber}: {problem}", {{"fiber", fiber.name}, {"problem", problem.what()}});
    }
  } catch (...) {
    logging::error("fiber.exception", "{fiber}: an exception of unknown type", {{"fiber", fiber.name}});
  }
}

void Scheduler::retire(Fiber& fiber) noexcept {
  fiber.state = Fiber::State::done;
  timers_.remove(fiber);
  if (fiber.stack) stacks_.give_back(std::exchange(fiber.stack, {}));
  (fiber.previous != nullptr ? fiber.previous->next : all_) = fiber.next;
  if (fiber.next != nullptr) fiber.next->previous = fiber.previous;
  --count_;
  fiber.ended.notify_all();
  const std::shared_ptr<void> self = std::move(fiber.self);
  // What a fiber that never started holds is let go of here; a body that has run is gone already.
  fiber.body = nullptr;
}

void Scheduler::suspend(Clock::time_point deadline) {
  Fiber& fiber = *running;
  fiber.state = Fiber::State::waiting;
  fiber.deadline = deadline;
  fiber.progress = 0;
  timers_.arm(fiber);
  switch_to_loop(fiber, false);
  fiber.deadline = Clock::time_point::max();
}

void Scheduler::yield() {
  if (refuses_to_wait()) return;
  Fiber& fiber = *running;
  fiber.state = Fiber::State::waiting;
  fiber.progress = 0;
  wake_fiber(fiber);
  switch_to_loop(fiber, false);
  refuses_to_wait();
}

bool Scheduler::refuses_to_wait() const {
  if (!running->cancelled) return false;
  if (std::uncaught_exceptions() > 0) return true;
  throw Cancelled();
}

bool Scheduler::nothing_else_is_ready() {
  if (count_ == 1) return true;
  if (first_ready_ != nullptr) return false;
  collect(now_);
  return first_ready_ == nullptr;
}

OffloadPool* Scheduler::pool() {
  if (!pool_ && offload_threads_ > 0) {
    auto pool = std::make_unique<OffloadPool>(offload_threads_);
    poller_.watch(pool->event_fd(), [this] { pool_->collect(); });
    pool_ = std::move(pool);  // only one whose ends of work are heard
  }
  return pool_.get();
}

}  // namespace io::detail
