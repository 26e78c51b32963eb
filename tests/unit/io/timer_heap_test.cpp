#include "io/timer_heap.h"

#include <algorithm>
#include <memory>
#include <random>

#include "io/scheduler.h"

namespace {

using io::Clock;
using io::detail::Fiber;
using io::detail::TimerHeap;
using namespace std::chrono_literals;

Clock::time_point at(int time) {
  return Clock::time_point(std::chrono::seconds(time));
}

TEST(TimerHeap, GivesOutTheExpiredInTheirOrder) {
  TimerHeap heap;
  Fiber fibers[3];
  const int times[] = {30, 10, 20};
  for (std::size_t i = 0; i < 3; ++i) {
    fibers[i].deadline = at(times[i]);
    heap.arm(fibers[i]);
  }
  EXPECT_EQ(heap.next(), at(10));
  EXPECT_EQ(heap.take_expired(at(9)), nullptr);
  EXPECT_EQ(heap.take_expired(at(25)), &fibers[1]);
  EXPECT_EQ(heap.take_expired(at(25)), &fibers[2]);
  EXPECT_EQ(heap.take_expired(at(25)), nullptr);
  heap.remove(fibers[0]);
  EXPECT_EQ(heap.next(), Clock::time_point::max());
}

TEST(TimerHeap, AnEntryOfAnEarlierWaitMovesToTheLaterDeadlineOrEnds) {
  TimerHeap heap;
  Fiber later;
  Fiber over;
  for (Fiber* fiber : {&later, &over}) {
    fiber->deadline = at(10);
    heap.arm(*fiber);
  }
  later.deadline = at(50);
  heap.arm(later);
  over.deadline = Clock::time_point::max();
  EXPECT_EQ(heap.take_expired(at(10)), nullptr);
  EXPECT_EQ(heap.next(), at(50));
  EXPECT_EQ(heap.take_expired(at(50)), &later);
}

TEST(TimerHeap, AnEarlierDeadlineIsNotMissed) {
  TimerHeap heap;
  Fiber fiber;
  fiber.deadline = at(50);
  heap.arm(fiber);
  fiber.deadline = at(5);
  heap.arm(fiber);
  EXPECT_EQ(heap.take_expired(at(5)), &fiber);
}

// Against a plain list, with everything that can happen to a fiber.
TEST(TimerHeap, AgreesWithAListOfAllDeadlines) {
  std::mt19937 random(1);
  const auto below = [&](int limit) { return static_cast<int>(random() % static_cast<unsigned>(limit)); };
  TimerHeap heap;
  std::vector<std::unique_ptr<Fiber>> fibers;
  for (int i = 0; i < 50; ++i) fibers.push_back(std::make_unique<Fiber>());
  int taken = 0;
  for (int now = 1; now < 5000; ++now) {
    for (int i = 0; i < 5; ++i) {
      Fiber& fiber = *fibers[static_cast<std::size_t>(below(50))];
      switch (below(4)) {
        case 0:
          fiber.deadline = Clock::time_point::max();
          break;
        case 1:
          fiber.deadline = Clock::time_point::max();
          heap.remove(fiber);
          break;
        default:
          fiber.deadline = at(now + below(40));
          heap.arm(fiber);
      }
    }
    std::vector<Fiber*> expected;
    for (const auto& fiber : fibers) {
      if (fiber->deadline <= at(now)) expected.push_back(fiber.get());
    }
    std::vector<Fiber*> got;
    while (Fiber* fiber = heap.take_expired(at(now))) {
      got.push_back(fiber);
      fiber->deadline = Clock::time_point::max();
    }
    std::ranges::sort(expected);
    std::ranges::sort(got);
    ASSERT_EQ(got, expected);
    taken += static_cast<int>(got.size());
    for (const auto& fiber : fibers) ASSERT_LE(heap.next(), fiber->deadline);
  }
  EXPECT_GT(taken, 1000);
}

}  // namespace
