#include "master/loop.h"

#include <sys/epoll.h>

#include <array>
#include <cerrno>

#include "base/error.h"

namespace master {

Loop::Loop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) throw base::Fatal(base::with_errno("epoll_create", errno));
}

void Loop::watch(int fd, std::uint32_t events, std::function<void()> happened, bool once) {
  forget(fd);
  const std::uint64_t serial = next_serial_++;
  epoll_event event{};
  event.events = events;
  event.data.u64 = (serial << 32U) | static_cast<std::uint32_t>(fd);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    throw base::Fatal(base::with_errno("epoll_ctl", errno));
  }
  watches_[fd] = {serial, std::make_shared<std::function<void()>>(std::move(happened)), once};
}

void Loop::watch_reading(int fd, std::function<void()> happened) {
  watch(fd, EPOLLIN, std::move(happened), false);
}

void Loop::watch_writing(int fd, std::function<void()> happened) {
  watch(fd, EPOLLOUT, std::move(happened), true);
}

void Loop::forget(int fd) {
  if (watches_.erase(fd) > 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

Loop::TimerId Loop::at(Clock::time_point when, std::function<void()> happened) {
  const TimerId timer = next_timer_++;
  timers_[{when, timer}] = std::move(happened);
  timer_times_[timer] = when;
  return timer;
}

void Loop::cancel(TimerId timer) {
  const auto known = timer_times_.find(timer);
  if (known == timer_times_.end()) return;
  timers_.erase({known->second, timer});
  timer_times_.erase(known);
}

Clock::duration Loop::until_next_timer(Clock::duration longest) const {
  if (timers_.empty()) return longest;
  return std::clamp(timers_.begin()->first.first - Clock::now(), Clock::duration::zero(), longest);
}

void Loop::turn(Clock::duration longest) {
  using std::chrono::ceil;
  using std::chrono::milliseconds;
  std::array<epoll_event, 64> events;
  const auto timeout = ceil<milliseconds>(until_next_timer(longest)).count();
  const int count =
      ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), static_cast<int>(timeout));
  if (count < 0 && errno != EINTR) throw base::Fatal(base::with_errno("epoll_wait", errno));

  for (int i = 0; i < count; ++i) {
    const std::uint64_t data = events[static_cast<std::size_t>(i)].data.u64;
    const int fd = static_cast<int>(data & 0xffffffffU);
    const auto known = watches_.find(fd);
    if (known == watches_.end() || (known->second.serial & 0xffffffffU) != (data >> 32U)) continue;
    const auto happened = known->second.happened;  // survives a forget() from within
    if (known->second.once) forget(fd);
    (*happened)();
  }

  const auto now = Clock::now();
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    auto due = timers_.extract(timers_.begin());
    timer_times_.erase(due.key().second);
    due.mapped()();
  }
}

}  // namespace master
