#include "sasl/dovecot_connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "logging/log.h"

namespace sasl::dovecot {

namespace {

constexpr int kMostGreetingLines = 1000;
constexpr int kCancelMinor = 2;  // servers from here on know CANCEL; for older ones the attempt runs out

}  // namespace

std::expected<std::shared_ptr<Connection>, base::Error> Connection::make(const io::Endpoint& endpoint,
                                                                         const std::string& name,
                                                                         io::Deadline deadline) {
  const auto failed = [&](std::string_view reason) {
    return std::unexpected(
        base::Error{fmt::format("SASL: Connect to Dovecot auth socket '{}' failed: {}", name, reason)});
  };
  auto fd = io::connect(endpoint, deadline);
  if (!fd) return failed(fd.error().text);
  io::Stream stream(std::move(*fd), 8192);
  try {
    stream.set_deadline(deadline);
    stream.write(greeting(::getpid()));
    stream.flush();
    Greeting said;
    for (int i = 0; i < kMostGreetingLines; ++i) {
      const auto state = said.take(parse_line(stream.view_line(kLongestLine).text));
      if (!state) return std::unexpected(state.error());
      if (*state == Greeting::State::more) continue;
      stream.set_deadline(io::Deadline::never());
      std::shared_ptr<Connection> connection(new Connection(std::move(stream), std::move(said)));
      io::spawn("dovecot auth", [connection] { connection->read(); });
      return connection;
    }
    return std::unexpected(base::Error{"SASL: Protocol error"});
  } catch (const io::StreamError& error) {
    return failed(error.what());
  }
}

Connection::Connection(io::Stream stream, Greeting greeting)
    : stream_(std::move(stream)),
      mechanisms_(std::move(greeting.mechanisms)),
      minor_(greeting.minor),
      last_heard_(io::Clock::now()) {}

std::optional<Line> Connection::ask(unsigned id, std::string_view line, io::Deadline deadline) {
  if (lost_) return std::nullopt;
  Waiting waiting;
  if (!waiting_.emplace(id, &waiting).second) return std::nullopt;
  struct Place {
    std::map<unsigned, Waiting*>& among;
    unsigned id;
    ~Place() { among.erase(id); }
  } place{waiting_, id};
  const auto asked = io::Clock::now();
  if (!send(line, deadline)) return std::nullopt;
  while (!waiting.answer && !lost_) {
    if (waiting.answered.wait(deadline) == io::Wakeup::ready || waiting.answer) continue;
    if (last_heard_ < asked) lose();  // it is not this attempt alone that takes long
    return std::nullopt;
  }
  return std::move(waiting.answer);
}

void Connection::cancel(unsigned id) noexcept {
  if (lost_ || sending_ || minor_ < kCancelMinor) return;
  const std::string line = cancel_line(id);
  // Whoever gives up waits for nothing. Part of a line would spoil the next one.
  const auto sent = ::send(stream_.fd(), line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent >= 0 && static_cast<std::size_t>(sent) < line.size()) lose();
}

bool Connection::send(std::string_view text, io::Deadline deadline) {
  if (!turn_.acquire(deadline)) return false;
  const io::Permit permit(turn_);
  struct Sending {
    Connection& connection;
    bool whole = false;
    explicit Sending(Connection& of) : connection(of) { connection.sending_ = true; }
    ~Sending() {
      connection.sending_ = false;
      if (!whole) connection.lose();
    }
  } sending(*this);
  while (!text.empty() && !lost_) {
    const auto count = ::send(stream_.fd(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count > 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    } else if (count < 0 && errno == EAGAIN) {
      if (io::wait_writable_again(stream_.fd(), deadline) == io::Wakeup::timed_out) return false;
    } else if (count < 0 && errno != EINTR) {
      return false;
    }
  }
  sending.whole = !lost_;
  return sending.whole;
}

// The reader's fiber: until the connection ends.
void Connection::read() {
  struct End {
    Connection& connection;
    ~End() { connection.lose(); }
  } end{*this};
  try {
    while (!lost_) {
      Line line = parse_line(stream_.view_line(kLongestLine).text);
      last_heard_ = io::Clock::now();
      switch (line.kind) {
        case Line::Kind::ok:
        case Line::Kind::fail:
        case Line::Kind::challenge: {
          const auto asked = waiting_.find(line.id);
          if (asked == waiting_.end()) break;  // who asked has given up
          asked->second->answer = std::move(line);
          asked->second->answered.notify_all();
          break;
        }
        case Line::Kind::malformed:
          logging::warning("sasl.dovecot_malformed", "SASL: Protocol error: the Dovecot auth server sends nonsense");
          return;
        case Line::Kind::version:
        case Line::Kind::mechanism:
        case Line::Kind::server_id:
        case Line::Kind::done:
        case Line::Kind::other:
          break;
      }
    }
  } catch (const io::StreamError& error) {
    if (error.kind() == io::StreamError::Kind::too_long) {
      logging::warning("sasl.dovecot_malformed",
                       "SASL: Protocol error: the Dovecot auth server sends a line of more than {most} bytes",
                       {{"most", kLongestLine}});
    }
  }
}

// The reader sees the end, too, and lets go.
void Connection::lose() noexcept {
  if (lost_) return;
  lost_ = true;
  ::shutdown(stream_.fd(), SHUT_RDWR);
  for (const auto& [id, waiting] : waiting_) waiting->answered.notify_all();
}

}  // namespace sasl::dovecot
