#include "master/loop.h"

#include <unistd.h>

namespace {

using master::Clock;
using std::chrono::milliseconds;

struct Pipe {
  Pipe() { EXPECT_EQ(::pipe(ends), 0); }
  ~Pipe() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  void fill() const { EXPECT_EQ(::write(ends[1], "x", 1), 1); }
  int ends[2];
};

TEST(Loop, TellsAsLongAsThereIsSomethingToRead) {
  master::Loop loop;
  const Pipe pipe;
  pipe.fill();
  int told = 0;
  loop.watch_reading(pipe.ends[0], [&] { ++told; });
  loop.turn(milliseconds(0));
  loop.turn(milliseconds(0));
  EXPECT_EQ(told, 2);
  loop.forget(pipe.ends[0]);
  loop.turn(milliseconds(0));
  EXPECT_EQ(told, 2);
}

TEST(Loop, AWatchMayForgetItselfAndOthersInTheSameTurn) {
  master::Loop loop;
  const Pipe a;
  const Pipe b;
  a.fill();
  b.fill();
  int told = 0;
  for (const Pipe* pipe : {&a, &b}) {
    loop.watch_reading(pipe->ends[0], [&] {
      ++told;
      loop.forget(a.ends[0]);
      loop.forget(b.ends[0]);
    });
  }
  loop.turn(milliseconds(0));
  EXPECT_EQ(told, 1);
}

TEST(Loop, TimersGoOffInOrderAndOnce) {
  master::Loop loop;
  std::string order;
  loop.after(milliseconds(2), [&] { order += 'b'; });
  loop.after(milliseconds(1), [&] { order += 'a'; });
  const auto cancelled = loop.after(milliseconds(1), [&] { order += 'x'; });
  loop.cancel(cancelled);
  const auto end = Clock::now() + milliseconds(1000);
  while (order.size() < 2 && Clock::now() < end) loop.turn(milliseconds(100));
  loop.turn(milliseconds(0));
  EXPECT_EQ(order, "ab");
}

TEST(Loop, ATurnEndsWithTheFirstTimer) {
  master::Loop loop;
  bool done = false;
  loop.after(milliseconds(5), [&] { done = true; });
  const auto start = Clock::now();
  while (!done) loop.turn(std::chrono::seconds(10));
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(5));
}

}  // namespace
