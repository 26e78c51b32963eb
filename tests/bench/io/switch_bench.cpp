// What creating and switching fibers costs, in nanoseconds.

#include <cstdio>

#include "io/fiber.h"
#include "io/socket.h"
#include "io/stream.h"

namespace {

double nanoseconds(io::Clock::duration duration, long count) {
  return std::chrono::duration<double, std::nano>(duration).count() / static_cast<double>(count);
}

void report(const char* what, io::Clock::time_point start, long count) {
  std::printf("%-56s %8.1f ns\n", what, nanoseconds(io::Clock::now() - start, count));
}

void create() {
  constexpr long kCount = 2'000'000;
  const auto batch = [](long count) {
    for (long i = 0; i < count; i += 100) {
      for (int j = 0; j < 100; ++j) io::spawn("one", [] {});
      io::yield();
    }
  };
  batch(10'000);
  const auto start = io::Clock::now();
  batch(kCount);
  report("create, run and end a fiber", start, kCount);
}

void switch_between(int fibers, const char* what) {
  constexpr long kSwitches = 5'000'000;
  const long each = kSwitches / fibers;
  std::vector<io::FiberHandle> handles;
  const auto start = io::Clock::now();
  for (int i = 0; i < fibers; ++i) {
    handles.push_back(io::spawn("one", [each] {
      for (long j = 0; j < each; ++j) io::yield();
    }));
  }
  for (auto& handle : handles) handle.join();
  report(what, start, kSwitches);
}

void notify() {
  constexpr long kCount = 1'000'000;
  io::Condition ping;
  io::Condition pong;
  io::FiberHandle other = io::spawn("other", [&] {
    for (long i = 0; i < kCount; ++i) {
      ping.wait(io::Deadline::never());
      pong.notify_one();
    }
  });
  io::yield();
  const auto start = io::Clock::now();
  for (long i = 0; i < kCount; ++i) {
    ping.notify_one();
    pong.wait(io::Deadline::never());
  }
  report("wake a fiber and be woken by it", start, kCount);
  other.join();
}

void lines() {
  constexpr long kCount = 300'000;
  io::Pair pair = io::socket_pair();
  io::FiberHandle echo = io::spawn("echo", [fd = pair.second.release()] {
    io::Stream stream((base::Fd(fd)));
    while (auto line = stream.read_line_or_end(100)) {
      stream.write(line->text);
      stream.write("\r\n");
    }
  });
  {
    io::Stream stream(std::move(pair.first));
    const auto start = io::Clock::now();
    for (long i = 0; i < kCount; ++i) {
      stream.set_deadline(io::Deadline::after(std::chrono::seconds(300)));
      stream.write("MAIL FROM:<someone@example.com>\r\n");
      stream.view_line(100);
    }
    report("a line there and back over a socket pair", start, kCount);
  }
  echo.join();
}

}  // namespace

int main() {
  io::Loop loop;
  loop.spawn("bench", [] {
    create();
    switch_between(2, "switch from fiber to fiber, 2 fibers");
    switch_between(1000, "switch from fiber to fiber, 1000 fibers");
    notify();
    lines();
  });
  loop.run();
}
