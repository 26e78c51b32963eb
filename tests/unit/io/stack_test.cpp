#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <map>

#include "both_ways.h"
#include "io/sanitizer.h"
#include "io/stack_pool.h"

namespace {

using namespace io_test;
using io::detail::Stack;
using io::detail::StackPool;

constexpr std::size_t kSize = 256 * 1024;

bool resident(const std::byte* address) {
  unsigned char in_memory = 0;
  const auto page = reinterpret_cast<std::uintptr_t>(address) / 4096 * 4096;
  EXPECT_EQ(::mincore(reinterpret_cast<void*>(page), 1, &in_memory), 0);
  return (in_memory & 1) != 0;
}

TEST(StackPool, AStackCostsMemoryOnlyWhereItIsTouched) {
  StackPool pool(kSize, 1);
  const Stack stack = pool.take();
  EXPECT_EQ(stack.size, kSize);
  stack.top()[-1] = std::byte{1};
  EXPECT_TRUE(resident(stack.top() - 1));
  EXPECT_FALSE(resident(stack.low + kSize / 2));
  EXPECT_FALSE(resident(stack.low));
  pool.give_back(stack);
}

TEST(StackPool, KeepsAsManyAsAskedAndGivesTheLastOneFirst) {
  StackPool pool(kSize, 2);
  const Stack stacks[] = {pool.take(), pool.take(), pool.take()};
  for (const Stack& stack : stacks) pool.give_back(stack);
  EXPECT_EQ(pool.take().low, stacks[1].low);
  EXPECT_EQ(pool.take().low, stacks[0].low);
  unsigned char in_memory = 0;
  EXPECT_NE(::mincore(stacks[2].low, 1, &in_memory), 0);  // unmapped
  pool.give_back(stacks[0]);
  pool.give_back(stacks[1]);
}

TEST(StackPool, WhatADeepCallChainTouchedIsGivenBackToTheSystem) {
  StackPool pool(kSize, 1);
  Stack stack = pool.take();
  std::memset(stack.low, 0xaa, stack.size);
  pool.give_back(stack);
  stack = pool.take();
  EXPECT_FALSE(resident(stack.low));
  EXPECT_FALSE(resident(stack.low + kSize / 2));
  EXPECT_TRUE(resident(stack.top() - 1));
  EXPECT_EQ(stack.top()[-1], std::byte{0xaa});
  pool.give_back(stack);
}

TEST(StackPool, TheGuardIsNeitherReadableNorWritable) {
  StackPool pool(kSize, 1);
  const Stack stack = pool.take();
  stack.low[0] = std::byte{1};
  EXPECT_DEATH(stack.low[-1] = std::byte{1}, "");
  EXPECT_DEATH(*(stack.low - StackPool::kGuardSize) = std::byte{1}, "");
  pool.give_back(stack);
}

// --- overflow ---

std::uintptr_t top_of_victim = 0;

void judge_fault(int, siginfo_t* info, void*) {
  const auto fault = reinterpret_cast<std::uintptr_t>(info->si_addr);
  const std::uintptr_t guard_end = top_of_victim - kSize + 4096;
  const std::uintptr_t guard_start = top_of_victim - kSize - StackPool::kGuardSize;
  ::_exit(fault >= guard_start && fault < guard_end ? 42 : 43);
}

volatile bool endlessly = true;

[[gnu::noinline]] int endless(volatile char* above) {
  if (!endlessly) return 0;
  volatile char frame[600];
  frame[0] = above[0];
  frame[599] = static_cast<char>(endless(frame) + 1);
  return frame[599] + above[0];
}

void overflow_beside_neighbours() {
  static char handler_stack[64 * 1024];
  stack_t other{};
  other.ss_sp = handler_stack;
  other.ss_size = sizeof handler_stack;
  ::sigaltstack(&other, nullptr);
  struct sigaction action{};
  action.sa_sigaction = judge_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigaction(SIGSEGV, &action, nullptr);
  io::Loop loop;
  const auto neighbour = [] { io::sleep_until(io::Deadline::never()); };
  loop.spawn("before", neighbour);
  loop.spawn("victim", [] {
    io::yield();  // until both neighbours have their stacks
    top_of_victim = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) + 2048;
    volatile char start = 1;
    endless(&start);
  });
  loop.spawn("after", neighbour);
  loop.run();
}

TEST(FiberStack, AnOverflowHitsTheGuardAndNotTheNeighbour) {
  EXPECT_EXIT(overflow_beside_neighbours(), testing::ExitedWithCode(42), "");
}

TEST(FiberStack, IsUsableToItsEnd) {
  in_a_fiber([] {
    const auto use = [](auto&& self, int depth) -> int {
      volatile char frame[1024];
      frame[0] = 1;
      return depth == 0 ? 1 : self(self, depth - 1) + frame[0];
    };
    EXPECT_EQ(use(use, 100), 101);
  });
}

// Frames that were left by a switch or an exception must not haunt the next fiber on the stack.
TEST(FiberStack, IsCleanForTheNextFiber) {
  io::Loop loop(io::Loop::Options{.pooled_stacks = 1});
  int unwound = 0;
  for (int i = 0; i < 1000; ++i) {
    io::FiberHandle fiber = loop.spawn("one", [&, i] {
      const auto dig = [&](auto&& self, int depth) -> void {
        std::string text(static_cast<std::size_t>(depth * 7), 'x');
        char frame[100];
        std::ranges::fill(frame, 'y');
        if (depth == 0) {
          if (i % 3 == 0) throw std::runtime_error("bottom");
          io::yield();
          if (i % 3 == 1) io::sleep_until(io::Deadline::never());
        } else {
          self(self, depth - 1);
        }
        if (frame[depth] != 'y' || text.size() != static_cast<std::size_t>(depth * 7)) ADD_FAILURE();
      };
      try {
        dig(dig, i % 40);
      } catch (...) {
        ++unwound;
        try {
          throw;
        } catch (const std::runtime_error&) {
        }
      }
    });
    fiber.join(io::Deadline::after(i % 3 == 1 ? 0ms : 1000ms));
    fiber.cancel();
    fiber.join();
  }
  EXPECT_EQ(unwound, 667);
}

// --- system calls ---

// Runs the body in a child, and counts the system calls between the two times that it stops itself.
std::map<std::uint64_t, int> system_calls_of(void (*body)()) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, 0, 0) != 0) ::_exit(1);
    body();
    ::_exit(0);
  }
  std::map<std::uint64_t, int> counts;
  int status = 0;
  int stops = 0;
  ::waitpid(child, &status, 0);
  ::ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  while (WIFSTOPPED(status)) {
    if (WSTOPSIG(status) == SIGSTOP) ++stops;
    if (WSTOPSIG(status) == (SIGTRAP | 0x80) && stops == 1) {
      __ptrace_syscall_info info{};
      const long size = ::ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info);
      if (size > 0 && info.op == PTRACE_SYSCALL_INFO_ENTRY) ++counts[info.entry.nr];
    }
    ::ptrace(stops == 1 ? PTRACE_SYSCALL : PTRACE_CONT, child, 0, 0);
    ::waitpid(child, &status, 0);
  }
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "the child ended with status " << status;
  EXPECT_EQ(stops, 2);
  return counts;
}

constexpr int kRounds = 100;
constexpr int kFibers = 100;
constexpr int kYields = 10;

void create_and_switch(int rounds) {
  for (int round = 0; round < rounds; ++round) {
    for (int i = 0; i < kFibers; ++i) {
      io::spawn("one", [] {
        for (int j = 0; j < kYields; ++j) io::yield();
      });
    }
    while (io::Loop::current()->fibers() > 1) io::yield();
  }
}

TEST(FiberStack, CreatingAndSwitchingNeedsNoSystemCalls) {
  auto counts = system_calls_of([] {
    io::Loop loop;
    loop.spawn("driver", [] {
      create_and_switch(2);  // maps the stacks and fills the allocator
      ::raise(SIGSTOP);
      create_and_switch(kRounds);
      ::raise(SIGSTOP);
    });
    loop.run();
  });
  // Now and then the loop asks for events; that is all.
#ifndef POSTRIDER_ASAN  // which maps a second stack for each fiber
  int others = 0;
  for (const auto& [number, count] : counts) {
    if (number != SYS_epoll_wait && number != SYS_clock_gettime) others += count;
  }
  EXPECT_LT(others, 20);  // raise() makes a few
#endif
  const int switches = kRounds * kFibers * (kYields + 1);
  EXPECT_GT(counts[SYS_epoll_wait], 0);
  EXPECT_LT(counts[SYS_epoll_wait], switches / 40);
}

#ifndef POSTRIDER_ASAN  // frames lie elsewhere
// Uses so much of the stack.
[[gnu::noinline]] void dive(std::size_t size) {
  auto* deep = static_cast<volatile char*>(__builtin_alloca(size));
  for (std::size_t i = 0; i < size; i += 64) deep[i] = 1;
}

TEST(FiberStack, WhatADeepCallTouchedCanBeGivenBack) {
  io::Loop loop;
  loop.spawn("diver", [] {
    const auto faults = [] {
      rusage usage{};
      ::getrusage(RUSAGE_SELF, &usage);
      return usage.ru_minflt;
    };
    const std::string kept(1000, 'x');
    dive(128 * 1024);
    const long before = faults();
    dive(128 * 1024);
    EXPECT_LT(faults() - before, 4);
    io::trim_stack();
    dive(128 * 1024);
    EXPECT_GE(faults() - before, 28);
    EXPECT_EQ(kept, std::string(1000, 'x'));
  });
  loop.run();
  io::trim_stack();
}
#endif

}  // namespace
