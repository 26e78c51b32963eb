#include "io/timer_heap.h"

#include "io/scheduler.h"

namespace io::detail {

namespace {
// Four children a node: half the levels of a binary heap, and siblings share cache lines.
constexpr std::size_t kArity = 4;
}  // namespace

void TimerHeap::make_room(std::size_t fibers) {
  if (entries_.capacity() < fibers) entries_.reserve(std::max(fibers, 2 * entries_.capacity()));
}

void TimerHeap::arm(Fiber& fiber) {
  if (fiber.deadline == Clock::time_point::max()) return;
  if (fiber.timer_index == Fiber::kNoTimer) {
    entries_.push_back({});
    sift_up(entries_.size() - 1, {fiber.deadline, &fiber});
  } else if (fiber.deadline < entries_[fiber.timer_index].time) {
    sift_up(fiber.timer_index, {fiber.deadline, &fiber});
  }
}

void TimerHeap::remove(Fiber& fiber) {
  if (fiber.timer_index == Fiber::kNoTimer) return;
  const std::size_t index = std::exchange(fiber.timer_index, Fiber::kNoTimer);
  const Entry last = entries_.back();
  entries_.pop_back();
  if (index == entries_.size()) return;
  if (index > 0 && last.time < entries_[(index - 1) / kArity].time) {
    sift_up(index, last);
  } else {
    sift_down(index, last);
  }
}

Fiber* TimerHeap::take_expired(Clock::time_point now) {
  while (!entries_.empty() && entries_.front().time <= now) {
    Fiber& fiber = *entries_.front().fiber;
    if (fiber.deadline != Clock::time_point::max() && fiber.deadline > now) {
      sift_down(0, {fiber.deadline, &fiber});
      continue;
    }
    remove(fiber);
    if (fiber.deadline <= now) return &fiber;
  }
  return nullptr;
}

void TimerHeap::place(std::size_t index, Entry entry) {
  entries_[index] = entry;
  entry.fiber->timer_index = index;
}

void TimerHeap::sift_up(std::size_t index, Entry entry) {
  while (index > 0) {
    const std::size_t parent = (index - 1) / kArity;
    if (entries_[parent].time <= entry.time) break;
    place(index, entries_[parent]);
    index = parent;
  }
  place(index, entry);
}

void TimerHeap::sift_down(std::size_t index, Entry entry) {
  while (true) {
    const std::size_t first = index * kArity + 1;
    if (first >= entries_.size()) break;
    std::size_t least = first;
    for (std::size_t child = first + 1; child < std::min(first + kArity, entries_.size()); ++child) {
      if (entries_[child].time < entries_[least].time) least = child;
    }
    if (entry.time <= entries_[least].time) break;
    place(index, entries_[least]);
    index = least;
  }
  place(index, entry);
}

}  // namespace io::detail
