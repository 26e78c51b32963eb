#include "io/offload.h"

#include <atomic>
#include <csignal>
#include <mutex>
#include <set>

#include "both_ways.h"

namespace {

using namespace io_test;
using io::Pace;

// Keeps the loop busy, so that work is not done in place.
class Company {
 public:
  Company() {
    fiber_ = io::spawn("company", [this] {
      while (!over_) io::yield();
    });
    io::yield();
  }
  ~Company() {
    over_ = true;
    fiber_.join();
  }

 private:
  bool over_ = false;
  io::FiberHandle fiber_;
};

TEST(Offload, OutsideOfAFiberItSimplyCalls) {
  const auto here = std::this_thread::get_id();
  EXPECT_EQ(io::offload([] { return std::this_thread::get_id(); }), here);
  io::Loop loop;
  EXPECT_EQ(io::offload([] { return std::this_thread::get_id(); }, Pace::slow), here);
}

TEST(Offload, AFiberThatIsAloneSimplyCalls) {
  in_a_fiber([] {
    EXPECT_EQ(io::offload([] { return std::this_thread::get_id(); }), std::this_thread::get_id());
    EXPECT_EQ(io::offload([] { return std::this_thread::get_id(); }, Pace::slow), std::this_thread::get_id());
  });
}

TEST(Offload, WhileOthersOnlyWaitBriefWorkIsDoneHereAndSlowWorkElsewhere) {
  in_a_fiber([] {
    io::FiberHandle idle = io::spawn("idle", [] { io::sleep_until(io::Deadline::never()); });
    io::yield();
    EXPECT_EQ(io::offload([] { return std::this_thread::get_id(); }), std::this_thread::get_id());
    EXPECT_NE(io::offload([] { return std::this_thread::get_id(); }, Pace::slow), std::this_thread::get_id());
    idle.cancel();
  });
}

TEST(Offload, WhileOthersHaveWorkItIsDoneElsewhere) {
  in_a_fiber([] {
    const Company company;
    EXPECT_NE(io::offload([] { return std::this_thread::get_id(); }), std::this_thread::get_id());
  });
}

TEST(Offload, InputThatHasComeForAnotherFiberCountsAsWork) {
  in_a_fiber([] {
    const io::Pair pair = io::socket_pair();
    io::FiberHandle reader = io::spawn("reader", [&] { io::wait_readable(pair.first.get(), later()); });
    io::yield();
    ::send(pair.second.get(), "x", 1, 0);
    EXPECT_NE(io::offload([] { return std::this_thread::get_id(); }), std::this_thread::get_id());
    reader.join();
    io::forget(pair.first.get());
  });
}

TEST(Offload, OthersRunMeanwhile) {
  in_a_fiber([] {
    std::atomic<bool> reached = false;
    io::FiberHandle other = io::spawn("other", [&] {
      io::sleep_until(io::Deadline::after(5ms));
      reached = true;
    });
    io::offload(
        [&] {
          while (!reached) std::this_thread::sleep_for(1ms);
        },
        Pace::slow);
    EXPECT_TRUE(reached);
    other.join();
  });
}

TEST(Offload, GivesBackWhatTheWorkReturnsOrThrows) {
  in_a_fiber([] {
    const Company company;
    EXPECT_EQ(io::offload([] { return std::string("result"); }), "result");
    EXPECT_EQ(*io::offload([] { return std::make_unique<int>(7); }), 7);
    try {
      io::offload([] { throw std::runtime_error("from the work"); });
      ADD_FAILURE();
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "from the work");
      io::offload([] {});  // inside a catch block
    }
    EXPECT_THROW(io::offload([]() -> int { throw 1; }), int);
  });
}

TEST(Offload, MoreWorkThanThreadsIsDoneInTurn) {
  io::Loop loop(io::Loop::Options{.offload_threads = 3});
  std::mutex mutex;
  std::set<std::thread::id> threads;
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  int done = 0;
  for (int i = 0; i < 200; ++i) {
    loop.spawn("one", [&] {
      io::offload(
          [&] {
            const int now = ++inside;
            int seen = most;
            while (now > seen && !most.compare_exchange_weak(seen, now)) {
            }
            std::this_thread::sleep_for(200us);
            const std::lock_guard lock(mutex);
            threads.insert(std::this_thread::get_id());
            --inside;
          },
          Pace::slow);
      ++done;
    });
  }
  loop.run();
  EXPECT_EQ(done, 200);
  EXPECT_LE(most, 4);  // the last fiber of all may work in place
  EXPECT_GE(most, 2);
  EXPECT_LE(threads.size(), 4U);
}

TEST(Offload, WithoutThreadsItSimplyCalls) {
  io::Loop loop(io::Loop::Options{.offload_threads = 0});
  for (int i = 0; i < 2; ++i) {
    loop.spawn("one", [] {
      EXPECT_EQ(io::offload([] { return std::this_thread::get_id(); }, Pace::slow), std::this_thread::get_id());
    });
  }
  loop.run();
}

TEST(Offload, ACancelledFiberWaitsForItsWorkFirst) {
  std::atomic<bool> started = false;
  std::atomic<bool> ended = false;
  std::string steps;
  in_a_fiber([&] {
    io::FiberHandle fiber = io::spawn("one", [&] {
      try {
        io::offload(
            [&] {
              started = true;
              std::this_thread::sleep_for(20ms);
              ended = true;
            },
            Pace::slow);
        steps += "went on";
      } catch (const io::Cancelled&) {
        steps += ended ? "cancelled after its work" : "cancelled too early";
        throw;
      }
    });
    while (!started) io::sleep_until(io::Deadline::after(1ms));
    fiber.cancel();
    fiber.join();
  });
  EXPECT_EQ(steps, "cancelled after its work");
}

TEST(Offload, DestroyingTheLoopWaitsForTheWork) {
  std::atomic<bool> ended = false;
  {
    io::Loop loop;
    loop.spawn("one", [&] {
      io::offload(
          [&] {
            std::this_thread::sleep_for(20ms);
            ended = true;
          },
          Pace::slow);
    });
    loop.spawn("stop", [] { io::Loop::current()->stop(); });
    loop.run();
  }
  EXPECT_TRUE(ended);
}

TEST(Offload, TheWorkItselfMayWaitAndThenBlocksItsThread) {
  in_a_fiber([] {
    const Company company;
    io::offload([] {
      EXPECT_FALSE(io::in_fiber());
      EXPECT_EQ(io::Loop::current(), nullptr);
      io::Pair pair = io::socket_pair();
      EXPECT_EQ(io::wait_readable(pair.first.get(), soon()), io::Wakeup::timed_out);
      io::Stream one(std::move(pair.first));
      io::Stream two(std::move(pair.second));
      one.write("x\n");
      one.flush();
      two.set_deadline(later());
      EXPECT_EQ(two.read_line(10).text, "x");
    });
  });
}

TEST(Offload, WorkersTakeNoSignals) {
  in_a_fiber([] {
    const Company company;
    EXPECT_TRUE(io::offload([] {
      sigset_t mask;
      ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
      return ::sigismember(&mask, SIGTERM) == 1 && ::sigismember(&mask, SIGCHLD) == 1;
    }));
    sigset_t mask;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    EXPECT_EQ(::sigismember(&mask, SIGTERM), 0);
  });
}

}  // namespace
