// usage: idle_sessions_bench [SESSIONS]
// Holds that many line-protocol sessions that have spoken and now wait, and prints what they cost in resident memory.
// The clients are in a process of their own. Exits 1 when a session takes more than 16 KiB.

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/file.h"
#include "io/fiber.h"
#include "io/socket.h"
#include "io/stream.h"

namespace {

constexpr auto kTimeout = std::chrono::seconds(300);

long resident_kib() {
  const auto status = base::read_file("/proc/self/status", 65536);
  const char* line = status ? std::strstr(status->c_str(), "VmRSS:") : nullptr;
  return line != nullptr ? std::strtol(line + 6, nullptr, 10) : -1;
}

void converse(io::Stream& stream, long& waiting) {
  stream.write("220 idle.example ESMTP\r\n");
  while (true) {
    stream.set_deadline(io::Deadline::after(kTimeout));
    ++waiting;
    const auto line = stream.read_line_or_end(2048);
    --waiting;
    if (!line) return;
    stream.write(fmt::format("250 {} has {} bytes\r\n", line->text.substr(0, 100), line->text.size()));
  }
}

// Speaks with each server session, then waits for them to end.
[[noreturn]] void be_the_clients(const io::Endpoint& server, int sessions) {
  std::vector<io::Stream> streams;
  for (int i = 0; i < sessions; ++i) {
    auto fd = io::connect(server, io::Deadline::after(kTimeout));
    if (!fd) {
      std::fprintf(stderr, "%s\n", fd.error().text.c_str());
      ::_exit(1);
    }
    streams.emplace_back(std::move(*fd));
    streams.back().read_line(2048);
    streams.back().write("EHLO client.example\r\n");
    streams.back().read_line(2048);
  }
  streams.front().read_line_or_end(2048);
  ::_exit(0);
}

void accept_all(int listener, int sessions, long& waiting) {
  for (int i = 0; i < sessions; ++i) {
    auto client = io::accept(listener, io::Deadline::after(kTimeout));
    if (!client || !*client) {
      std::fprintf(stderr, "accept: %s\n", client ? "timed out" : client.error().text.c_str());
      std::exit(1);
    }
    io::spawn("session", [fd = client->release(), &waiting] {
      try {
        io::Stream stream((base::Fd(fd)));
        converse(stream, waiting);
      } catch (const io::StreamError&) {
      }
    });
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int sessions = argc > 1 ? std::atoi(argv[1]) : 10000;
  const std::string path = fmt::format("/tmp/idle_sessions_bench.{}", ::getpid());
  const io::Endpoint endpoint{io::Endpoint::Type::unix_stream, "", "", path};
  const auto listener = io::listen(endpoint);
  if (!listener) {
    std::fprintf(stderr, "%s\n", listener.error().text.c_str());
    return 1;
  }
  const pid_t child = ::fork();
  if (child == 0) be_the_clients(endpoint, sessions);
  int result = 1;
  {
    io::Loop loop;
    loop.spawn("listener", [&] {
      const long before = resident_kib();
      long waiting = 0;
      accept_all(listener->get(), sessions, waiting);
      // Until the last of them has answered and waits for its second line.
      io::sleep_until(io::Deadline::after(std::chrono::milliseconds(500)));
      const long after = resident_kib();
      std::printf("%ld sessions wait: %.1f MB resident (%.1f MB before), %.2f KiB a session\n", waiting,
                  static_cast<double>(after) / 1024, static_cast<double>(before) / 1024,
                  static_cast<double>(after - before) / sessions);
      result = waiting == sessions && after - before < 16L * sessions ? 0 : 1;
      io::Loop::current()->stop();
    });
    loop.run();
  }
  ::unlink(path.c_str());
  int status = 0;
  ::waitpid(child, &status, 0);
  return result;
}
