#include "io/fiber.h"

#include <sys/socket.h>

#include "base/error.h"
#include "both_ways.h"
#include "io/offload.h"
#include "logging/log.h"

namespace {

using namespace io_test;
using io::Loop;
using io::Wakeup;

TEST(Loop, RunsFibersUntilNoneIsLeft) {
  Loop loop;
  std::string order;
  loop.spawn("a", [&] {
    order += 'a';
    io::spawn("c", [&] { order += 'c'; });
    io::yield();
    order += 'd';
  });
  loop.spawn("b", [&] { order += 'b'; });
  EXPECT_EQ(loop.fibers(), 2U);
  EXPECT_EQ(order, "");
  loop.run();
  EXPECT_EQ(order, "abcd");
  EXPECT_EQ(loop.fibers(), 0U);
}

TEST(Loop, IsCurrentWhileItLivesAndTheOnlyOne) {
  EXPECT_EQ(Loop::current(), nullptr);
  {
    Loop loop;
    EXPECT_EQ(Loop::current(), &loop);
    EXPECT_THROW(Loop second, std::logic_error);
    EXPECT_EQ(Loop::current(), &loop);
  }
  EXPECT_EQ(Loop::current(), nullptr);
  Loop next;
  EXPECT_EQ(Loop::current(), &next);
}

TEST(Loop, StopsWhenAskedAndGoesOnLater) {
  Loop loop;
  int rounds = 0;
  const auto fiber = loop.spawn("endless", [&] {
    while (true) {
      ++rounds;
      if (rounds % 3 == 0) Loop::current()->stop();
      io::yield();
    }
  });
  loop.run();
  EXPECT_EQ(rounds, 3);
  loop.run();
  EXPECT_EQ(rounds, 6);
  EXPECT_FALSE(fiber.done());
}

TEST(Loop, DoesNotRunInsideOfItsFibers) {
  Loop loop;
  bool refused = false;
  loop.spawn("nested", [&] {
    try {
      loop.run();
    } catch (const std::logic_error&) {
      refused = true;
    }
  });
  loop.run();
  EXPECT_TRUE(refused);
}

TEST(Loop, HoldsTenThousandFibersAtOnce) {
  Loop loop;
  io::Condition go;
  int ended = 0;
  for (int i = 0; i < 10000; ++i) {
    loop.spawn("one", [&] {
      go.wait(io::Deadline::never());
      ++ended;
    });
  }
  loop.spawn("starter", [&] {
    io::yield();
    EXPECT_EQ(loop.fibers(), 10001U);
    go.notify_all();
  });
  loop.run();
  EXPECT_EQ(ended, 10000);
}

TEST(Fiber, WhatItHoldsIsGoneWhenItEnds) {
  Loop loop;
  auto owned = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = owned;
  const auto handle = loop.spawn("owner", [owned = std::move(owned)] { io::yield(); });
  EXPECT_FALSE(watch.expired());
  loop.run();
  EXPECT_TRUE(handle.done());
  EXPECT_TRUE(watch.expired());
}

TEST(Fiber, TellsWhetherItIsOne) {
  EXPECT_FALSE(io::in_fiber());
  in_a_fiber([] { EXPECT_TRUE(io::in_fiber()); });
  EXPECT_FALSE(io::in_fiber());
}

TEST(Fiber, AnExceptionThatLeavesItIsLoggedAndEndsItAlone) {
  const logging::Capture capture;
  Loop loop;
  int others = 0;
  const auto one = loop.spawn("session 7", [] { throw std::runtime_error("no luck"); });
  loop.spawn("session 8", [] { throw 8; });
  loop.spawn("other", [&] {
    io::yield();
    ++others;
  });
  loop.run();
  EXPECT_TRUE(one.done());
  EXPECT_EQ(others, 1);
  ASSERT_EQ(capture.events().size(), 2U);
  EXPECT_EQ(capture.events()[0].level, logging::Level::error);
  EXPECT_EQ(capture.events()[0].text, "session 7: no luck");
  EXPECT_EQ(capture.events()[1].text, "session 8: an exception of unknown type");
}

TEST(Fiber, AFatalErrorIsPassedOnToRunAndTheLoopCanGoOn) {
  const logging::Capture capture;
  Loop loop;
  bool unwound = false;
  bool other_ran = false;
  loop.spawn("fatal", [&] {
    struct Guard {
      bool& flag;
      ~Guard() { flag = true; }
    } guard{unwound};
    io::yield();
    throw base::Fatal("the queue is gone");
  });
  loop.spawn("other", [&] {
    io::sleep_until(io::Deadline::after(5ms));
    other_ran = true;
  });
  try {
    loop.run();
    FAIL();
  } catch (const base::Fatal& error) {
    EXPECT_STREQ(error.what(), "the queue is gone");
  }
  EXPECT_TRUE(unwound);
  EXPECT_FALSE(other_ran);
  loop.run();
  EXPECT_TRUE(other_ran);
  EXPECT_TRUE(capture.events().empty());
}

TEST(Fiber, ALoopThatIsDestroyedByAFatalErrorUnwindsTheRest) {
  std::string ends;
  const auto program = [&] {
    Loop loop;
    loop.spawn("waits", [&] {
      try {
        io::sleep_until(io::Deadline::never());
      } catch (...) {
        ends += "cancelled ";
        throw;
      }
    });
    loop.spawn("fatal", [] { throw base::Fatal("over"); });
    loop.run();
  };
  try {
    program();
  } catch (const base::Fatal& error) {
    ends += error.what();
  }
  EXPECT_EQ(ends, "cancelled over");
}

TEST(Fiber, JoiningWaitsForTheEnd) {
  in_a_fiber([] {
    bool ended = false;
    io::FiberHandle handle = io::spawn("slow", [&] {
      io::sleep_until(io::Deadline::after(10ms));
      ended = true;
    });
    EXPECT_FALSE(handle.done());
    EXPECT_TRUE(handle.join());
    EXPECT_TRUE(ended);
    EXPECT_TRUE(handle.join());
  });
}

TEST(Fiber, JoiningEndsAtTheDeadline) {
  in_a_fiber([] {
    io::FiberHandle handle = io::spawn("slow", [&] { io::sleep_until(later()); });
    EXPECT_FALSE(handle.join(soon()));
    EXPECT_FALSE(handle.done());
    handle.cancel();
    EXPECT_TRUE(handle.join(later()));
  });
}

TEST(Fiber, ManyMayJoinOne) {
  in_a_fiber([] {
    io::FiberHandle one = io::spawn("one", [] { io::sleep_until(soon()); });
    int joined = 0;
    std::vector<io::FiberHandle> others;
    for (int i = 0; i < 5; ++i)
      others.push_back(io::spawn("other", [&, one]() mutable { joined += one.join() ? 1 : 0; }));
    for (auto& other : others) other.join();
    EXPECT_EQ(joined, 5);
  });
}

TEST(Fiber, JoiningFromOutsideRunsTheLoop) {
  Loop loop;
  io::FiberHandle handle = loop.spawn("one", [] { io::sleep_until(io::Deadline::after(5ms)); });
  io::FiberHandle never = loop.spawn("other", [] { io::sleep_until(io::Deadline::never()); });
  EXPECT_TRUE(handle.join());
  EXPECT_FALSE(never.join(soon()));
}

TEST(Fiber, CannotJoinItself) {
  in_a_fiber([] {
    io::FiberHandle self;
    self = io::spawn("self", [&] { EXPECT_THROW(self.join(), std::logic_error); });
    self.join(later());
  });
}

TEST(Fiber, AHandleOfNothingIsDone) {
  io::FiberHandle none;
  EXPECT_TRUE(none.done());
  EXPECT_TRUE(none.join());
  none.cancel();
}

TEST(Fiber, AHandleMayOutliveTheLoop) {
  io::FiberHandle handle;
  {
    Loop loop;
    handle = loop.spawn("one", [] { io::sleep_until(io::Deadline::never()); });
    handle.join(soon());
  }
  EXPECT_TRUE(handle.done());
  EXPECT_TRUE(handle.join());
  handle.cancel();
}

// --- exceptions belong to the fiber, not to the thread ---

TEST(Exceptions, CatchBlocksMayWaitAndEndInAnyOrder) {
  Loop loop;
  std::string seen;
  int turn = 0;
  const auto wait_for = [&turn](int its_turn) {
    while (turn != its_turn) io::sleep_until(io::Deadline::after(1ms));
    ++turn;
  };
  const auto body = [&](int number, int first, int second) {
    try {
      try {
        throw number;
      } catch (int) {
        wait_for(first);
        throw;
      }
    } catch (int caught) {
      wait_for(second);
      try {
        std::rethrow_exception(std::current_exception());
      } catch (int again) {
        seen += std::to_string(caught) + std::to_string(again) + " ";
      }
    }
  };
  loop.spawn("1", [&] { body(1, 0, 4); });
  loop.spawn("2", [&] { body(2, 2, 3); });
  loop.spawn("3", [&] { body(3, 1, 5); });
  loop.run();
  EXPECT_EQ(seen, "22 11 33 ");
}

TEST(Exceptions, AreCountedForEachFiberAndTheLoop) {
  struct WaitsWhenUnwound {
    std::string& seen;
    ~WaitsWhenUnwound() {
      seen += std::to_string(std::uncaught_exceptions());
      io::yield();
      seen += std::to_string(std::uncaught_exceptions());
    }
  };
  std::string seen;
  std::string other;
  try {
    throw 1;
  } catch (int) {
    Loop loop;
    loop.spawn("one", [&] {
      try {
        const WaitsWhenUnwound guard{seen};
        throw 2;
      } catch (int) {
      }
      seen += std::to_string(std::uncaught_exceptions());
    });
    loop.spawn("other", [&] {
      other += std::to_string(std::uncaught_exceptions());
      other += std::current_exception() ? "caught" : "none";
    });
    loop.run();
    EXPECT_TRUE(std::current_exception());
  }
  EXPECT_EQ(seen, "110");
  EXPECT_EQ(other, "0none");
  EXPECT_FALSE(std::current_exception());
}

TEST(Exceptions, AThousandFibersInCatchBlocksAtOnce) {
  Loop loop;
  int right = 0;
  for (int i = 0; i < 1000; ++i) {
    loop.spawn("one", [&, i] {
      try {
        throw std::to_string(i);
      } catch (const std::string&) {
        for (int round = 0; round < i % 7; ++round) io::yield();
        try {
          throw;
        } catch (const std::string& text) {
          io::yield();
          if (text == std::to_string(i)) ++right;
        }
      }
    });
  }
  loop.run();
  EXPECT_EQ(right, 1000);
}

// --- waits ---

TEST(Wait, SleepsUntilTheDeadlineInItsOrder) {
  Loop loop;
  std::string order;
  for (const int delay : {30, 10, 20, 0, -5}) {
    loop.spawn("sleeper", [&, delay] {
      const auto deadline = io::Deadline::after(std::chrono::milliseconds(delay));
      io::sleep_until(deadline);
      EXPECT_TRUE(deadline.passed());
      order += std::to_string(delay) + " ";
    });
  }
  loop.run();
  EXPECT_TRUE(order == "0 -5 10 20 30 " || order == "-5 0 10 20 30 ") << order;
}

TEST(Wait, ADeadlineSoFarAwayThatNoClockShowsItIsNever) {
  EXPECT_EQ(io::Deadline::after(io::Clock::duration::max()).time(), io::Deadline::never().time());
  EXPECT_FALSE(io::Deadline::never().passed());
  EXPECT_TRUE(io::Deadline::after(0s).passed());
}

POSTRIDER_BOTH_WAYS(WaitBothWays);

TEST_P(WaitBothWays, ReadableAtOnceLaterOrNotInTime) {
  run([] {
    const io::Pair pair = io::socket_pair();
    const int fd = pair.first.get();
    EXPECT_EQ(io::wait_readable(fd, soon()), Wakeup::timed_out);
    Peer peer([&] {
      io::sleep_until(io::Deadline::after(5ms));
      ::send(pair.second.get(), "xy", 2, 0);
    });
    EXPECT_EQ(io::wait_readable(fd, later()), Wakeup::ready);
    // Nobody has read, so it is readable still, whatever edges there have been.
    EXPECT_EQ(io::wait_readable(fd, later()), Wakeup::ready);
    char byte = 0;
    ASSERT_EQ(::recv(fd, &byte, 1, 0), 1);
    EXPECT_EQ(io::wait_readable(fd, later()), Wakeup::ready);
    EXPECT_EQ(io::wait_readable(fd, io::Deadline::after(-1s)), Wakeup::ready);
    ASSERT_EQ(::recv(fd, &byte, 1, 0), 1);
    EXPECT_EQ(io::wait_readable(fd, soon()), Wakeup::timed_out);
    EXPECT_EQ(io::wait_readable(fd, io::Deadline::after(-1s)), Wakeup::timed_out);
    io::forget(fd);
  });
}

TEST_P(WaitBothWays, WritableAtOnceLaterOrNotInTime) {
  run([] {
    const io::Pair pair = io::socket_pair();
    const int fd = pair.first.get();
    EXPECT_EQ(io::wait_writable(fd, later()), Wakeup::ready);
    const std::string much(1000000, 'x');
    while (::send(fd, much.data(), much.size(), MSG_DONTWAIT) > 0) {
    }
    EXPECT_EQ(io::wait_writable(fd, soon()), Wakeup::timed_out);
    Peer peer([&] {
      io::sleep_until(io::Deadline::after(5ms));
      std::string buffer(1000000, ' ');
      while (::recv(pair.second.get(), buffer.data(), buffer.size(), MSG_DONTWAIT) > 0) {
      }
    });
    EXPECT_EQ(io::wait_writable(fd, later()), Wakeup::ready);
    io::forget(fd);
  });
}

TEST_P(WaitBothWays, TheEndIsReadable) {
  run([] {
    io::Pair pair = io::socket_pair();
    EXPECT_EQ(io::wait_readable(pair.first.get(), soon()), Wakeup::timed_out);
    pair.second.reset();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(io::wait_readable(pair.first.get(), later()), Wakeup::ready);
    io::forget(pair.first.get());
  });
}

TEST_P(WaitBothWays, WhatIsNotOpenIsLeftToTheNextRead) {
  run([] {
    EXPECT_EQ(io::wait_readable(987654, later()), Wakeup::ready);
    EXPECT_EQ(io::wait_writable(987654, later()), Wakeup::ready);
  });
}

TEST_P(WaitBothWays, ANumberThatIsUsedAgainIsWaitedForAgain) {
  run([] {
    int last = -1;
    for (int i = 0; i < 3; ++i) {
      const io::Pair pair = io::socket_pair();
      const int fd = pair.first.get();
      ASSERT_TRUE(last < 0 || fd == last);
      last = fd;
      EXPECT_EQ(io::wait_readable(fd, soon()), Wakeup::timed_out);
      Peer peer([&] {
        io::sleep_until(io::Deadline::after(2ms));
        ::send(pair.second.get(), "x", 1, 0);
      });
      EXPECT_EQ(io::wait_readable(fd, later()), Wakeup::ready);
      peer.end();
      if (i == 0) io::forget(fd);  // and the other times without
    }
  });
}

TEST(Wait, ANumberThatIsUsedAgainWithoutForgetWorksByTheFastWayToo) {
  in_a_fiber([] {
    for (int i = 0; i < 3; ++i) {
      const io::Pair pair = io::socket_pair();
      const auto peer = io::spawn("peer", [&] { ::send(pair.second.get(), "x", 1, 0); });
      EXPECT_EQ(io::wait_readable_again(pair.first.get(), later()), Wakeup::ready);
      const auto writer = io::spawn("writer", [&] { ::send(pair.second.get(), "x", 1, 0); });
      EXPECT_EQ(io::wait_readable_again(pair.first.get(), later()), Wakeup::ready);
    }
  });
}

TEST(Wait, AnEventThatComesWhileNobodyWaitsIsRemembered) {
  in_a_fiber([] {
    const io::Pair pair = io::socket_pair();
    EXPECT_EQ(io::wait_readable(pair.first.get(), soon()), Wakeup::timed_out);
    ::send(pair.second.get(), "x", 1, 0);
    io::sleep_until(soon());  // the loop sees the edge
    EXPECT_EQ(io::wait_readable_again(pair.first.get(), later()), Wakeup::ready);
    char byte = 0;
    ASSERT_EQ(::recv(pair.first.get(), &byte, 1, 0), 1);
    EXPECT_EQ(io::wait_readable_again(pair.first.get(), soon()), Wakeup::timed_out);
    io::forget(pair.first.get());
  });
}

TEST(Wait, AForgottenDescriptorWakesWhoWaitsForIt) {
  in_a_fiber([] {
    const io::Pair pair = io::socket_pair();
    io::FiberHandle waiter = io::spawn(
        "waiter", [&] { EXPECT_EQ(io::wait_readable(pair.first.get(), io::Deadline::never()), Wakeup::ready); });
    io::yield();
    io::forget(pair.first.get());
    EXPECT_TRUE(waiter.join(later()));
  });
}

TEST(Wait, TwoFibersMayWaitForTheTwoDirectionsOfADescriptor) {
  in_a_fiber([] {
    const io::Pair pair = io::socket_pair();
    const int fd = pair.first.get();
    const std::string much(1000000, 'x');
    while (::send(fd, much.data(), much.size(), MSG_DONTWAIT) > 0) {
    }
    std::string order;
    io::FiberHandle reader = io::spawn("reader", [&] {
      EXPECT_EQ(io::wait_readable(fd, later()), Wakeup::ready);
      order += 'r';
    });
    io::FiberHandle writer = io::spawn("writer", [&] {
      EXPECT_EQ(io::wait_writable(fd, later()), Wakeup::ready);
      order += 'w';
    });
    io::yield();
    EXPECT_THROW(io::wait_readable(fd, later()), std::logic_error);
    ::send(pair.second.get(), "x", 1, 0);
    reader.join();
    EXPECT_EQ(order, "r");
    std::string buffer(1000000, ' ');
    while (::recv(pair.second.get(), buffer.data(), buffer.size(), MSG_DONTWAIT) > 0) {
    }
    writer.join();
    EXPECT_EQ(order, "rw");
    io::forget(fd);
  });
}

TEST(Wait, AShorterDeadlineAfterALongerOneIsKept) {
  in_a_fiber([] {
    const io::Pair pair = io::socket_pair();
    for (const auto delay : {50ms, 5ms, 20ms, 1ms}) {
      io::spawn("peer", [&] { ::send(pair.second.get(), "x", 1, 0); });
      EXPECT_EQ(io::wait_readable(pair.first.get(), later()), Wakeup::ready);
      char byte = 0;
      ASSERT_EQ(::recv(pair.first.get(), &byte, 1, 0), 1);
      const auto start = io::Clock::now();
      EXPECT_EQ(io::wait_readable(pair.first.get(), io::Deadline::after(delay)), Wakeup::timed_out);
      EXPECT_GE(io::Clock::now() - start, delay - 1ms);
      EXPECT_LT(io::Clock::now() - start, delay + 2s);
    }
    io::forget(pair.first.get());
  });
}

TEST(Wait, FibersThatNeverWaitForThemselvesDoNotStopTheNetwork) {
  in_a_fiber([] {
    const io::Pair pair = io::socket_pair();
    bool done = false;
    io::FiberHandle busy = io::spawn("busy", [&] {
      while (!done) io::yield();
    });
    io::spawn("sender", [&] {
      io::sleep_until(io::Deadline::after(5ms));
      ::send(pair.second.get(), "x", 1, 0);
    });
    EXPECT_EQ(io::wait_readable(pair.first.get(), later()), Wakeup::ready);
    done = true;
    busy.join();
    io::forget(pair.first.get());
  });
}

}  // namespace
