#pragma once
// The deadlines of waiting fibers. A fiber has at most one entry, and the entry stays when the wait ends: the next wait
// is mostly longer than what is left of the last one, and then costs nothing here. An entry that comes up too early
// moves on.

#include <cstddef>
#include <vector>

#include "io/wait.h"

namespace io::detail {

struct Fiber;

class TimerHeap {
 public:
  // For so many fibers: arm() needs no memory then, and cannot fail.
  void make_room(std::size_t fibers);
  // Sees to it that the fiber comes up at its deadline or before.
  void arm(Fiber& fiber);
  void remove(Fiber& fiber);

  Clock::time_point next() const { return entries_.empty() ? Clock::time_point::max() : entries_.front().time; }

  // Takes out a fiber whose deadline has come; null when there is none.
  Fiber* take_expired(Clock::time_point now);

 private:
  struct Entry {
    Clock::time_point time;
    Fiber* fiber;
  };
  void place(std::size_t index, Entry entry);
  void sift_up(std::size_t index, Entry entry);
  void sift_down(std::size_t index, Entry entry);
  std::vector<Entry> entries_;
};

}  // namespace io::detail
