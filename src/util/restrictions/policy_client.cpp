#include "restrictions/policy_client.h"

#include "logging/log.h"
#include "restrictions/policy_reply.h"

namespace restrictions {

namespace {

// This try has failed.
struct Failure {
  std::string why;
};

// Postfix's word for all that is not an answer.
constexpr const char* kBadReply = "Application error";

std::string after_last_colon(std::string_view text) {
  const auto colon = text.rfind(": ");
  return std::string(colon == std::string_view::npos ? text : text.substr(colon + 2));
}

}  // namespace

struct PolicyClient::Connection {
  explicit Connection(base::Fd fd) : stream(std::move(fd)), born(io::Clock::now()), used(born) {}
  io::Stream stream;
  io::Clock::time_point born, used;
  int requests = 0;
};

struct PolicyClient::State {
  explicit State(std::size_t most_connections) : places(most_connections) {}
  io::Semaphore places;
  std::vector<std::unique_ptr<Connection>> idle;  // the last used at the end
};

PolicyClient::PolicyClient(Settings settings)
    : settings_(std::move(settings)), state_(std::make_unique<State>(settings_.most_connections)) {}
PolicyClient::~PolicyClient() = default;

std::unique_ptr<PolicyClient::Connection> PolicyClient::take_idle() const {
  const auto now = io::Clock::now();
  std::erase_if(state_->idle, [&](const std::unique_ptr<Connection>& one) {
    return now - one->used >= settings_.max_idle || now - one->born >= settings_.max_ttl;
  });
  while (!state_->idle.empty()) {
    std::unique_ptr<Connection> connection = std::move(state_->idle.back());
    state_->idle.pop_back();
    // Input that nobody asked for is its end, or the answer to a question that nobody remembers.
    if (connection->stream.buffered().empty() && !connection->stream.input_waiting()) return connection;
  }
  return nullptr;
}

void PolicyClient::keep(std::unique_ptr<Connection> connection) const {
  if (settings_.request_limit > 0 && connection->requests >= settings_.request_limit) return;
  connection->used = io::Clock::now();
  state_->idle.push_back(std::move(connection));
}

std::unique_ptr<PolicyClient::Connection> PolicyClient::open() const {
  auto fd = io::connect(settings_.endpoint, io::Deadline::after(settings_.timeout));
  if (!fd) {
    const std::string why = after_last_colon(fd.error().text);
    logging::warning("policy.connect", "connect to {server}: {reason}", {{"server", settings_.name}, {"reason", why}});
    throw Failure{why};
  }
  return std::make_unique<Connection>(std::move(*fd));
}

std::optional<std::string> PolicyClient::ask_over(Connection& connection, std::string_view request) const {
  ++connection.requests;
  try {
    connection.stream.set_deadline(io::Deadline::after(settings_.timeout));
    connection.stream.write(request);
    connection.stream.flush();
    PolicyReply reply;
    for (;;) {
      const auto line = connection.stream.view_line(PolicyReply::kLongestLine);
      const PolicyReply::State state = reply.take(line.text);
      if (state == PolicyReply::State::more) continue;
      if (state == PolicyReply::State::too_long) throw Failure{"too many lines in the reply"};
      if (reply.action()) return reply.action();
      logging::warning("policy.bad_reply",
                       reply.action_without_value() ? "missing value for string attribute action from {server}"
                                                    : "missing attribute action in input from {server}",
                       {{"server", settings_.name}});
      throw Failure{kBadReply};
    }
  } catch (const io::StreamError& broken) {
    switch (broken.kind()) {
      case io::StreamError::Kind::timed_out:
        logging::warning(
            "policy.timeout", "timeout on {server} while reading input attribute {part}",
            {{"server", settings_.name}, {"part", connection.stream.buffered().contains('=') ? "value" : "name"}});
        throw Failure{"Connection timed out"};
      case io::StreamError::Kind::too_long:
        throw Failure{"too long a line in the reply"};
      case io::StreamError::Kind::closed:
      case io::StreamError::Kind::broken:
        break;
    }
    throw Failure{kBadReply};
  }
}

std::optional<std::string> PolicyClient::ask(std::string_view request) const {
  if (!state_->places.acquire(io::Deadline::after(settings_.timeout))) {
    logging::warning("policy.busy", "problem talking to server {server}: too many requests wait for an answer",
                     {{"server", settings_.name}});
    return std::nullopt;
  }
  const io::Permit permit(state_->places);
  for (int tries = 1;; ++tries) {
    try {
      std::unique_ptr<Connection> connection = take_idle();
      if (!connection) connection = open();
      auto action = ask_over(*connection, request);
      keep(std::move(connection));
      return action;
    } catch (const Failure& failure) {
      if (tries >= settings_.try_limit) {
        logging::warning("policy.failed", "problem talking to server {server}: {reason}",
                         {{"server", settings_.name}, {"reason", failure.why}});
        return std::nullopt;
      }
    }
    io::sleep_until(io::Deadline::after(settings_.retry_delay));
  }
}

}  // namespace restrictions
