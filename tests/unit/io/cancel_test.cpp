#include <sys/socket.h>

#include "both_ways.h"
#include "io/fiber.h"
#include "io/offload.h"
#include "logging/log.h"

namespace {

using namespace io_test;
using io::Wakeup;

// Starts the body, cancels it in its first wait, and tells how it ended.
std::string cancelled_in(const std::function<void()>& body) {
  std::string end = "not ended";
  const logging::Capture capture;
  in_a_fiber([&] {
    io::FiberHandle fiber = io::spawn("victim", [&] {
      try {
        body();
        end = "went on";
      } catch (const std::exception& error) {
        end = error.what();
      } catch (...) {
        end = "unwound";
        throw;
      }
    });
    io::sleep_until(io::Deadline::after(5ms));
    EXPECT_FALSE(fiber.done());
    fiber.cancel();
    EXPECT_FALSE(fiber.done());
    EXPECT_TRUE(fiber.join(later()));
  });
  EXPECT_TRUE(capture.events().empty());
  return end;
}

TEST(Cancel, EndsEveryKindOfWait) {
  const io::Pair pair = io::socket_pair();
  const std::string much(1000000, 'x');
  while (::send(pair.first.get(), much.data(), much.size(), MSG_DONTWAIT) > 0) {
  }
  io::Condition condition;
  io::Semaphore semaphore(0);
  const auto never = io::Deadline::never();
  EXPECT_EQ(cancelled_in([&] { io::wait_readable(pair.first.get(), never); }), "unwound");
  EXPECT_EQ(cancelled_in([&] { io::wait_writable(pair.first.get(), never); }), "unwound");
  EXPECT_EQ(cancelled_in([&] { io::sleep_until(never); }), "unwound");
  EXPECT_EQ(cancelled_in([&] { condition.wait(never); }), "unwound");
  EXPECT_EQ(cancelled_in([&] { semaphore.acquire(never); }), "unwound");
  EXPECT_EQ(cancelled_in([&] {
              while (true) io::yield();
            }),
            "unwound");
  EXPECT_EQ(cancelled_in([&] {
              io::FiberHandle other = io::spawn("other", [] { io::sleep_until(soon()); });
              other.join();
            }),
            "unwound");
}

TEST(Cancel, EndsWhatIsBuiltUponWaits) {
  EXPECT_EQ(cancelled_in([] {
              io::Pair pair = io::socket_pair();
              io::Stream stream(std::move(pair.first));
              stream.read_line(10);
            }),
            "unwound");
  EXPECT_EQ(cancelled_in([] {
              io::Pair pair = io::socket_pair();
              io::Stream stream(std::move(pair.first));
              stream.write(std::string(10000000, 'x'));
            }),
            "unwound");
  EXPECT_EQ(cancelled_in([] {
              const auto listener = io::listen(*io::parse_endpoint("127.0.0.1:0"));
              (void)io::accept(listener->get(), io::Deadline::never());
            }),
            "unwound");
  EXPECT_EQ(cancelled_in([] {
              const auto listener = io::listen(*io::parse_endpoint("127.0.0.1:0"), 0);
              std::vector<base::Fd> fds;
              while (true) fds.push_back(std::move(*io::connect(where(*listener), io::Deadline::never())));
            }),
            "unwound");
}

TEST(Cancel, IsNoticedByTheNextWaitWhenTheFiberDoesNotWaitNow) {
  in_a_fiber([] {
    std::string steps;
    io::FiberHandle self;
    self = io::spawn("self", [&] {
      steps += "a";
      self.cancel();
      steps += "b";
      io::yield();
      steps += "c";
    });
    self.join();
    EXPECT_EQ(steps, "ab");
  });
}

TEST(Cancel, AFiberThatHasNotStartedRunsToItsFirstWait) {
  in_a_fiber([] {
    std::string steps;
    io::FiberHandle fiber = io::spawn("new", [&] {
      steps += "a";
      io::yield();
      steps += "b";
    });
    fiber.cancel();
    fiber.join();
    EXPECT_EQ(steps, "a");
  });
}

TEST(Cancel, EveryLaterWaitThrowsToo) {
  in_a_fiber([] {
    int thrown = 0;
    const io::Pair pair = io::socket_pair();
    io::Condition condition;
    io::Semaphore semaphore(1);
    io::FiberHandle fiber = io::spawn("stubborn", [&] {
      const std::vector<std::function<void()>> waits = {
          [&] { io::sleep_until(later()); },
          [&] { io::sleep_until(io::Deadline::after(-1s)); },
          [&] { io::yield(); },
          [&] { io::wait_readable(pair.first.get(), later()); },
          [&] { io::wait_writable(pair.first.get(), later()); },
          [&] { condition.wait(later()); },
          [&] { semaphore.acquire(later()); },
          [&] { io::offload([] { ADD_FAILURE(); }); },
      };
      for (const auto& wait : waits) {
        try {
          wait();
        } catch (const io::Cancelled&) {
          ++thrown;
        }
      }
    });
    io::yield();
    fiber.cancel();
    fiber.join();
    EXPECT_EQ(thrown, 8);
    EXPECT_TRUE(semaphore.acquire(soon()));
  });
}

// A destructor that says goodbye must neither hang nor bring the process down.
TEST(Cancel, WaitsOfDestructorsEndAtOnceAndOffloadedWorkIsStillDone) {
  in_a_fiber([] {
    std::string steps;
    io::Condition condition;
    struct Goodbye {
      std::string& said;
      io::Condition& waited_for;
      ~Goodbye() {
        const io::Pair pair = io::socket_pair();
        if (io::wait_readable(pair.first.get(), io::Deadline::never()) == Wakeup::timed_out) said += "read ";
        if (waited_for.wait(io::Deadline::never()) == Wakeup::timed_out) said += "condition ";
        io::sleep_until(io::Deadline::never());
        io::yield();
        io::offload([this] { said += "work"; });
      }
    };
    io::FiberHandle fiber = io::spawn("polite", [&] {
      const Goodbye goodbye{steps, condition};
      io::sleep_until(io::Deadline::never());
    });
    io::yield();
    fiber.cancel();
    EXPECT_TRUE(fiber.join(later()));
    EXPECT_EQ(steps, "read condition work");
  });
}

TEST(Cancel, ReachesADestructorThatWaitsBecauseOfAnotherError) {
  in_a_fiber([] {
    bool gone = false;
    struct Slow {
      bool& ended;
      ~Slow() {
        io::sleep_until(io::Deadline::never());
        ended = true;
      }
    };
    io::FiberHandle fiber = io::spawn("slow", [&] {
      try {
        const Slow slow{gone};
        throw 1;
      } catch (int) {
        io::yield();
        ADD_FAILURE();
      }
    });
    io::yield();
    fiber.cancel();
    EXPECT_TRUE(fiber.join(later()));
    EXPECT_TRUE(gone);
  });
}

TEST(Cancel, PassesThroughACatchBlockThatWaitsAndRethrows) {
  in_a_fiber([] {
    std::string steps;
    io::FiberHandle fiber = io::spawn("one", [&] {
      try {
        try {
          io::sleep_until(io::Deadline::never());
        } catch (...) {
          steps += "a";
          try {
            io::yield();
          } catch (const io::Cancelled&) {
            steps += "b";
          }
          throw;
        }
      } catch (const std::exception&) {
        steps += "x";
      }
      steps += "y";
    });
    io::yield();
    fiber.cancel();
    fiber.join();
    EXPECT_EQ(steps, "ab");
  });
}

TEST(Cancel, DestroyingTheLoopUnwindsWhatStillRuns) {
  std::string unwound;
  struct Guard {
    std::string& names;
    std::string name;
    ~Guard() { names += name; }
  };
  bool started = false;
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = held;
  {
    io::Loop loop;
    for (const std::string name : {"a", "b"}) {
      loop.spawn(name, [&, name] {
        const Guard guard{unwound, name};
        io::sleep_until(io::Deadline::never());
      });
    }
    loop.spawn("stops", [&] {
      const Guard guard{unwound, "c"};
      io::Loop::current()->stop();
      // A fiber that is started by one that unwinds is never run.
      try {
        io::sleep_until(later());
      } catch (...) {
        io::spawn("too late", [&] { started = true; });
        throw;
      }
    });
    loop.run();
    loop.spawn("not started", [&started, held = std::move(held)] { started = true; });
  }
  std::ranges::sort(unwound);
  EXPECT_EQ(unwound, "abc");
  EXPECT_FALSE(started);
  EXPECT_TRUE(watch.expired());
}

// --- notifications and places are not lost with the fiber that they were meant for ---

TEST(Condition, WakesInOrderOneOrAll) {
  in_a_fiber([] {
    io::Condition condition;
    std::string order;
    std::vector<io::FiberHandle> fibers;
    for (const char name : std::string_view("abcd")) {
      fibers.push_back(io::spawn("waiter", [&, name] {
        EXPECT_EQ(condition.wait(later()), Wakeup::ready);
        order += name;
      }));
    }
    io::yield();
    condition.notify_one();
    fibers[0].join();
    EXPECT_EQ(order, "a");
    condition.notify_all();
    for (auto& fiber : fibers) fiber.join();
    EXPECT_EQ(order, "abcd");
    condition.notify_one();  // no one waits, and nothing is kept
    EXPECT_EQ(condition.wait(soon()), Wakeup::timed_out);
  });
}

TEST(Condition, IsOnlyForFibers) {
  io::Condition condition;
  EXPECT_THROW(condition.wait(soon()), std::logic_error);
}

TEST(Condition, ANotificationOfACancelledFiberGoesToTheNext) {
  for (const bool cancel_first : {false, true}) {
    in_a_fiber([&] {
      io::Condition condition;
      int woken = 0;
      const auto wait = [&] {
        condition.wait(later());
        ++woken;
      };
      io::FiberHandle one = io::spawn("one", wait);
      io::FiberHandle two = io::spawn("two", wait);
      io::yield();
      if (cancel_first) one.cancel();
      condition.notify_one();
      if (!cancel_first) one.cancel();
      EXPECT_TRUE(one.join(later()));
      EXPECT_TRUE(two.join(soon()));
      EXPECT_EQ(woken, 1);
    });
  }
}

TEST(Condition, ANotificationThatComesWithTheDeadlineCounts) {
  in_a_fiber([] {
    io::Condition condition;
    Wakeup how = Wakeup::timed_out;
    const auto deadline = soon();
    // Both timers expire in one turn of the loop, the notifier's first.
    io::FiberHandle notifier = io::spawn("notifier", [&] {
      io::sleep_until(io::Deadline::at(deadline.time() - 1us));
      condition.notify_one();
    });
    io::FiberHandle waiter = io::spawn("waiter", [&] { how = condition.wait(deadline); });
    waiter.join();
    EXPECT_EQ(how, Wakeup::ready);
  });
}

TEST(Condition, AFiberMayBeCancelledByTheOneThatNotifiesIt) {
  in_a_fiber([] {
    io::Condition condition;
    for (int i = 0; i < 100; ++i) {
      std::vector<io::FiberHandle> fibers;
      for (int j = 0; j < 10; ++j) fibers.push_back(io::spawn("one", [&] { condition.wait(later()); }));
      io::yield();
      for (auto& fiber : fibers) {
        condition.notify_one();
        fiber.cancel();
      }
      condition.notify_all();
      for (auto& fiber : fibers) EXPECT_TRUE(fiber.join(later()));
    }
  });
}

TEST(Semaphore, LetsInAsManyAsAllowedInTheOrderOfTheirComing) {
  in_a_fiber([] {
    io::Semaphore semaphore(2);
    int inside = 0;
    int most = 0;
    std::string order;
    std::vector<io::FiberHandle> fibers;
    for (const char name : std::string_view("abcdef")) {
      fibers.push_back(io::spawn("one", [&, name] {
        ASSERT_TRUE(semaphore.acquire(later()));
        order += name;
        most = std::max(most, ++inside);
        io::sleep_until(io::Deadline::after(2ms));
        --inside;
        semaphore.release();
      }));
    }
    for (auto& fiber : fibers) fiber.join();
    EXPECT_EQ(order, "abcdef");
    EXPECT_EQ(most, 2);
  });
}

TEST(Semaphore, NobodyOvertakesWhoWaits) {
  in_a_fiber([] {
    io::Semaphore semaphore(1);
    int rounds = 0;
    bool waiter_was_in = false;
    ASSERT_TRUE(semaphore.acquire(later()));
    io::FiberHandle waiter = io::spawn("waiter", [&] {
      ASSERT_TRUE(semaphore.acquire(later()));
      waiter_was_in = true;
      semaphore.release();
    });
    io::yield();
    while (!waiter_was_in && rounds < 100) {
      semaphore.release();
      ASSERT_TRUE(semaphore.acquire(later()));
      ++rounds;
    }
    EXPECT_EQ(rounds, 1);
  });
}

TEST(Semaphore, HasItsPlaceBackWhenTheWorkThrows) {
  in_a_fiber([] {
    io::Semaphore semaphore(1);
    io::FiberHandle worker = io::spawn("worker", [&] {
      ASSERT_TRUE(semaphore.acquire(later()));
      const io::Permit permit(semaphore);
      throw std::runtime_error("no memory");
    });
    worker.join();
    EXPECT_TRUE(semaphore.acquire(soon()));
  });
}

TEST(Semaphore, GivesUpAtTheDeadline) {
  in_a_fiber([] {
    io::Semaphore semaphore(1);
    EXPECT_TRUE(semaphore.acquire(soon()));
    EXPECT_FALSE(semaphore.acquire(soon()));
    semaphore.release();
    EXPECT_TRUE(semaphore.acquire(soon()));
  });
}

TEST(Semaphore, APlaceGivenToACancelledFiberIsNotLost) {
  for (const bool another_waits : {false, true}) {
    in_a_fiber([&] {
      io::Semaphore semaphore(0);
      io::FiberHandle one = io::spawn("one", [&] { semaphore.acquire(later()); });
      bool other_was_in = false;
      io::FiberHandle other;
      if (another_waits) other = io::spawn("other", [&] { other_was_in = semaphore.acquire(later()); });
      io::yield();
      semaphore.release();
      one.cancel();
      one.join();
      other.join();
      EXPECT_EQ(other_was_in, another_waits);
      EXPECT_EQ(semaphore.acquire(soon()), !another_waits);
    });
  }
}

}  // namespace
