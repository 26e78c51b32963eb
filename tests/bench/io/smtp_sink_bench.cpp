// usage: smtp_sink_bench PORT
// Takes mail on the loopback interface and forgets it: a session as a daemon would write it, for run.py to load.

#include <csignal>
#include <cstdio>

#include "base/text.h"
#include "io/fiber.h"
#include "io/socket.h"
#include "io/stream.h"

namespace {

constexpr std::size_t kLongestCommand = 2048;
constexpr auto kTimeout = std::chrono::seconds(300);

// Reads up to the line that is a single dot.
void skip_content(io::Stream& stream) {
  constexpr std::string_view kEnd = "\r\n.\r\n";
  std::string tail = "\r\n";  // the last bytes seen, as if an empty line had gone before
  while (true) {
    if (stream.at_end()) throw io::StreamError(io::StreamError::Kind::closed, "lost connection in DATA");
    const std::string_view input = stream.buffered();
    // The end may begin in what has gone before.
    const std::size_t before = tail.size();
    tail += input.substr(0, kEnd.size());
    const std::size_t across = tail.find(kEnd);
    if (across != std::string::npos) return stream.consume(across + kEnd.size() - before);
    const std::size_t inside = input.find(kEnd);
    if (inside != std::string_view::npos) return stream.consume(inside + kEnd.size());
    tail = input.size() >= kEnd.size() ? std::string(input) : tail;
    tail.erase(0, tail.size() - std::min(tail.size(), kEnd.size() - 1));
    stream.consume(input.size());
  }
}

void converse(io::Stream& stream) {
  stream.write("220 sink ESMTP\r\n");
  while (true) {
    stream.set_deadline(io::Deadline::after(kTimeout));
    const io::Stream::LineView line = stream.view_line(kLongestCommand);
    const auto is = [&](std::string_view verb) { return base::starts_with_folded(line.text, verb); };
    if (is("EHLO")) {
      stream.write("250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n");
    } else if (is("HELO") || is("MAIL") || is("RCPT") || is("RSET") || is("NOOP")) {
      stream.write("250 2.0.0 Ok\r\n");
    } else if (is("DATA")) {
      stream.write("354 End data with <CR><LF>.<CR><LF>\r\n");
      skip_content(stream);
      stream.write("250 2.0.0 Ok\r\n");
    } else if (is("QUIT")) {
      stream.write("221 2.0.0 Bye\r\n");
      return stream.flush();
    } else {
      stream.write("500 5.5.1 Error\r\n");
    }
  }
}

void serve(int listener) {
  while (true) {
    auto client = io::accept(listener, io::Deadline::never());
    if (!client) {
      std::fprintf(stderr, "%s\n", client.error().text.c_str());
      io::sleep_until(io::Deadline::after(std::chrono::milliseconds(100)));
      continue;
    }
    io::spawn("session", [fd = client->release()] {
      try {
        io::Stream stream((base::Fd(fd)), 16384);
        converse(stream);
      } catch (const io::StreamError&) {
      }
    });
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: smtp_sink_bench PORT\n");
    return 2;
  }
  const auto listener = io::listen({io::Endpoint::Type::inet, "127.0.0.1", argv[1], ""});
  if (!listener) {
    std::fprintf(stderr, "%s\n", listener.error().text.c_str());
    return 1;
  }
  io::Loop loop;
  loop.spawn("listener", [&] { serve(listener->get()); });
  loop.run();
}
