#include "io/wait.h"

#include <poll.h>

#include <cerrno>
#include <limits>
#include <system_error>

#include "io/fiber.h"
#include "io/scheduler.h"

namespace io {

namespace {

// In milliseconds, rounded up so that the deadline has passed when they are over; -1 for ever.
int poll_timeout(Deadline deadline) {
  if (deadline.time() == Clock::time_point::max()) return -1;
  const Clock::time_point now = Clock::now();
  if (deadline.time() <= now) return 0;
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(deadline.time() - now).count();
  return static_cast<int>(std::min<decltype(wait)>(wait, std::numeric_limits<int>::max()));
}

// With an fd of -1 only sleeps.
Wakeup block(int fd, short events, Deadline deadline) {
  pollfd entry{fd, events, 0};
  while (true) {
    const int timeout = poll_timeout(deadline);
    const int count = ::poll(&entry, 1, timeout);
    if (count > 0) return Wakeup::ready;
    if (count < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "poll");
    if (count == 0 && timeout >= 0 && deadline.passed()) return Wakeup::timed_out;
  }
}

}  // namespace

namespace detail {

Wakeup wait_for(int fd, Direction direction, Known known, Deadline deadline) {
  Fiber* fiber = running;
  if (fiber == nullptr) return block(fd, direction == Direction::read ? POLLIN : POLLOUT, deadline);
  Scheduler& loop = *fiber->scheduler;
  if (loop.refuses_to_wait()) return Wakeup::timed_out;
  Poller& poller = loop.poller();
  if (!poller.begin_wait(fd, direction, known, *fiber)) {
    loop.note_progress();
    return Wakeup::ready;
  }
  loop.suspend(deadline.time());
  const bool happened = poller.end_wait(fd, direction, *fiber);
  if (fiber->cancelled) {
    if (happened) poller.remember(fd, direction);
    if (loop.refuses_to_wait()) return Wakeup::timed_out;
  }
  return happened ? Wakeup::ready : Wakeup::timed_out;
}

void fresh(int fd) {
  if (scheduler != nullptr) scheduler->poller().forget(fd, Poller::Closing::yes);
}

void closing(int fd) {
  if (scheduler != nullptr) scheduler->poller().forget(fd, Poller::Closing::yes);
}

bool passed(Deadline deadline) {
  return running != nullptr ? deadline.time() <= running->scheduler->now() : deadline.passed();
}

}  // namespace detail

Wakeup wait_readable(int fd, Deadline deadline) {
  return detail::wait_for(fd, detail::Direction::read, detail::Known::nothing, deadline);
}

Wakeup wait_writable(int fd, Deadline deadline) {
  return detail::wait_for(fd, detail::Direction::write, detail::Known::nothing, deadline);
}

Wakeup wait_readable_again(int fd, Deadline deadline) {
  return detail::wait_for(fd, detail::Direction::read, detail::Known::would_block, deadline);
}

Wakeup wait_writable_again(int fd, Deadline deadline) {
  return detail::wait_for(fd, detail::Direction::write, detail::Known::would_block, deadline);
}

void sleep_until(Deadline deadline) {
  detail::Fiber* fiber = detail::running;
  if (fiber == nullptr) {
    block(-1, 0, deadline);
    return;
  }
  detail::Scheduler& loop = *fiber->scheduler;
  if (loop.refuses_to_wait()) return;
  loop.suspend(deadline.time());
  loop.refuses_to_wait();
}

void yield() {
  if (detail::running != nullptr) detail::running->scheduler->yield();
}

void forget(int fd) {
  if (detail::scheduler != nullptr) detail::scheduler->poller().forget(fd, detail::Poller::Closing::no);
}

}  // namespace io
