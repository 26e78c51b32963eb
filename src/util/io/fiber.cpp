#include "io/fiber.h"

#include <stdexcept>

#include "base/error.h"
#include "io/scheduler.h"
#include "logging/log.h"

namespace io {

using detail::Fiber;
using detail::running;

namespace {
constinit thread_local Loop* current_loop = nullptr;
}

struct FiberHandle::Shared : Fiber {};

struct Loop::Impl {
  explicit Impl(const Options& options) : scheduler(options) {}
  detail::Scheduler scheduler;
};

Loop::Loop() : Loop(Options()) {}

Loop::Loop(const Options& options) : impl_(std::make_unique<Impl>(options)) {
  current_loop = this;
}

Loop::~Loop() {
  // Fibers that are unwound may still ask for the loop.
  impl_->scheduler.close();
  current_loop = nullptr;
}

Loop* Loop::current() {
  return current_loop;
}

FiberHandle Loop::spawn(std::string name, std::function<void()> body) {
  return spawn(std::move(name), std::move(body), false);
}

FiberHandle Loop::spawn_vital(std::string name, std::function<void()> body) {
  return spawn(std::move(name), std::move(body), true);
}

FiberHandle spawn_steady(std::string name, std::function<void()> body) {
  auto again = [name, body = std::move(body)] {
    while (true) {
      try {
        return body();
      } catch (const base::Fatal&) {
        throw;
      } catch (const std::exception& problem) {
        logging::error("fiber.begins_anew", "{fiber}: {problem}", {{"fiber", name}, {"problem", problem.what()}});
      }
      sleep_until(Deadline::after(std::chrono::seconds(1)));
    }
  };
  return spawn(std::move(name), std::move(again));
}

FiberHandle Loop::spawn(std::string name, std::function<void()> body, bool vital) {
  auto fiber = std::make_shared<FiberHandle::Shared>();
  fiber->name = std::move(name);
  fiber->body = std::move(body);
  fiber->vital = vital;
  impl_->scheduler.start(*fiber);
  fiber->self = fiber;
  return FiberHandle(std::move(fiber));
}

void Loop::run() {
  impl_->scheduler.run();
}
void Loop::stop() {
  impl_->scheduler.stop();
}
std::size_t Loop::fibers() const {
  return impl_->scheduler.fibers();
}

bool in_fiber() {
  return running != nullptr;
}

void trim_stack() {
  if (running != nullptr) running->stack.trim_below(__builtin_frame_address(0));
}

bool FiberHandle::done() const {
  return !shared_ || shared_->state == Fiber::State::done;
}

void FiberHandle::cancel() {
  if (!done()) shared_->scheduler->cancel(*shared_);
}

bool FiberHandle::join(Deadline deadline) {
  // The handle may change hands while this waits.
  const std::shared_ptr<Shared> fiber = shared_;
  if (done()) return true;
  if (running == nullptr) {
    fiber->scheduler->run_until_done(*fiber, deadline.time());
  } else {
    if (running == fiber.get()) throw std::logic_error("a fiber waits for its own end");
    fiber->ended.wait(deadline);
  }
  return fiber->state == Fiber::State::done;
}

// On the stack of the fiber that waits.
struct Condition::Waiter {
  Fiber* fiber;
  Waiter* previous = nullptr;
  Waiter* next = nullptr;
  bool notified = false;
};

void Condition::unlink(Waiter& waiter) {
  (waiter.previous != nullptr ? waiter.previous->next : first_) = waiter.next;
  (waiter.next != nullptr ? waiter.next->previous : last_) = waiter.previous;
}

Condition::Outcome Condition::wait_without_throwing(Deadline deadline) {
  if (running == nullptr) throw std::logic_error("a condition is waited for outside of a fiber");
  if (running->cancelled) return Outcome::cancelled;
  Waiter waiter{running};
  waiter.previous = last_;
  (last_ != nullptr ? last_->next : first_) = &waiter;
  last_ = &waiter;
  running->scheduler->suspend(deadline.time());
  if (waiter.notified) return running->cancelled ? Outcome::cancelled_and_notified : Outcome::notified;
  unlink(waiter);
  return running->cancelled ? Outcome::cancelled : Outcome::timed_out;
}

Wakeup Condition::wait(Deadline deadline) {
  switch (wait_without_throwing(deadline)) {
    case Outcome::notified:
      return Wakeup::ready;
    case Outcome::timed_out:
      return Wakeup::timed_out;
    case Outcome::cancelled_and_notified:
      notify_first();
      [[fallthrough]];
    case Outcome::cancelled:
      running->scheduler->refuses_to_wait();
  }
  return Wakeup::timed_out;
}

bool Condition::notify_first() {
  if (first_ == nullptr) return false;
  Waiter& waiter = *first_;
  unlink(waiter);
  waiter.notified = true;
  detail::wake(*waiter.fiber);
  return true;
}

void Condition::notify_one() {
  notify_first();
}

void Condition::notify_all() {
  while (notify_first()) {
  }
}

bool Semaphore::acquire(Deadline deadline) {
  if (running != nullptr && running->scheduler->refuses_to_wait()) return false;
  if (free_ > 0) {
    --free_;
    return true;
  }
  switch (available_.wait_without_throwing(deadline)) {
    case Condition::Outcome::notified:
      return true;
    case Condition::Outcome::timed_out:
      return false;
    case Condition::Outcome::cancelled_and_notified:
      release();
      [[fallthrough]];
    case Condition::Outcome::cancelled:
      running->scheduler->refuses_to_wait();
  }
  return false;
}

// The place goes straight to the first who waits: one who leaves and comes back at once cannot overtake.
void Semaphore::release() {
  if (!available_.notify_first()) ++free_;
}

}  // namespace io
