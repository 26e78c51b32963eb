#include "io/poller.h"

#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "io/scheduler.h"

namespace io::detail {

namespace {

constexpr std::uint32_t kReading = EPOLLIN | EPOLLRDHUP | EPOLLET;
constexpr std::uint32_t kEnding = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

}  // namespace

Poller::Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), events_{} {
  if (!epoll_) throw std::system_error(errno, std::generic_category(), "epoll_create1");
}

Poller::Descriptor* Poller::find(int fd) {
  if (fd < 0 || static_cast<std::size_t>(fd) >= descriptors_.size()) return nullptr;
  return &descriptors_[static_cast<std::size_t>(fd)];
}

// False: this descriptor never makes anyone wait (a regular file) or is not open, which the next read or write tells.
bool Poller::control(int fd, Descriptor& descriptor, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = std::uint64_t{descriptor.generation} << 32 | static_cast<std::uint32_t>(fd);
  int operation = descriptor.registered != 0 ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  int failure = ::epoll_ctl(epoll_.get(), operation, fd, &event) == 0 ? 0 : errno;
  // Someone closed the descriptor without forget(), or has forgotten one that lives on.
  if (failure == ENOENT || failure == EEXIST) {
    operation = failure == ENOENT ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    failure = ::epoll_ctl(epoll_.get(), operation, fd, &event) == 0 ? 0 : errno;
  }
  if (failure == EPERM || failure == EBADF) return false;
  if (failure != 0) throw std::system_error(failure, std::generic_category(), "epoll_ctl");
  descriptor.registered = events;
  return true;
}

bool Poller::begin_wait(int fd, Direction direction, Known known, Fiber& fiber) {
  if (fd < 0) return false;
  const auto index = static_cast<std::size_t>(fd);
  if (index >= descriptors_.size()) descriptors_.resize(std::max(index + 1, descriptors_.size() * 2));
  Descriptor& descriptor = descriptors_[index];
  Fiber*& waiter = direction == Direction::read ? descriptor.reader : descriptor.writer;
  if (waiter != nullptr) throw std::logic_error("two fibers wait for the same direction of one descriptor");
  bool& happened = direction == Direction::read ? descriptor.readable : descriptor.writable;
  if (happened) {
    happened = false;
    return false;
  }
  // Room to write seldom has to be waited for: who only reads is not told of it.
  std::uint32_t events = kReading | (descriptor.registered & EPOLLOUT);
  if (direction == Direction::write) events |= EPOLLOUT;
  // To register or modify also reports the present state, as an edge would.
  if ((known == Known::nothing || descriptor.registered != events) && !control(fd, descriptor, events)) return false;
  waiter = &fiber;
  return true;
}

bool Poller::end_wait(int fd, Direction direction, const Fiber& fiber) {
  Descriptor* descriptor = find(fd);
  if (descriptor == nullptr) return true;
  Fiber*& waiter = direction == Direction::read ? descriptor->reader : descriptor->writer;
  if (waiter != &fiber) return true;
  waiter = nullptr;
  return false;
}

void Poller::remember(int fd, Direction direction) {
  if (Descriptor* descriptor = find(fd)) {
    (direction == Direction::read ? descriptor->readable : descriptor->writable) = true;
  }
}

void Poller::forget(int fd, Closing closing) {
  Descriptor* descriptor = find(fd);
  if (descriptor == nullptr) return;
  Fiber* reader = descriptor->reader;
  Fiber* writer = descriptor->writer;
  // close() ends the registration itself, unless another process or number shares the open file.
  if (descriptor->registered != 0 && closing == Closing::no) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  const std::uint32_t generation = descriptor->generation + 1;
  *descriptor = {};
  descriptor->generation = generation;
  if (reader != nullptr) wake(*reader);
  if (writer != nullptr) wake(*writer);
}

bool Poller::event_will_come(int fd) const {
  if (fd < 0 || static_cast<std::size_t>(fd) >= descriptors_.size()) return true;
  const Descriptor& descriptor = descriptors_[static_cast<std::size_t>(fd)];
  return !descriptor.readable && !descriptor.ending;
}

void Poller::watch(int event_fd, std::function<void()> happened) {
  happened_ = std::move(happened);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = kWatched;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, event_fd, &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }
}

void Poller::collect(int timeout_ms) {
  // A signal ends the wait early, which does no harm.
  const int count = ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), timeout_ms);
  for (int i = 0; i < count; ++i) take(events_[static_cast<std::size_t>(i)]);
}

void Poller::take(const epoll_event& event) {
  if (event.data.u64 == kWatched) return happened_();
  Descriptor* descriptor = find(static_cast<int>(event.data.u64 & 0x7fffffff));
  if (descriptor == nullptr || descriptor->generation != event.data.u64 >> 32) return;
  if ((event.events & kEnding) != 0) descriptor->ending = true;
  if ((event.events & (EPOLLIN | kEnding)) != 0) {
    if (Fiber* reader = std::exchange(descriptor->reader, nullptr)) {
      wake(*reader);
    } else {
      descriptor->readable = true;
    }
  }
  if ((event.events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) {
    if (Fiber* writer = std::exchange(descriptor->writer, nullptr)) {
      wake(*writer);
    } else {
      descriptor->writable = true;
    }
  }
}

}  // namespace io::detail
