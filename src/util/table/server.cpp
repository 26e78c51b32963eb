#include "table/server.h"

namespace table {

namespace {

std::string_view last_clause(std::string_view text) {
  const auto colon = text.rfind(": ");
  return colon == std::string_view::npos ? text : text.substr(colon + 2);
}

std::string reason_of(const io::StreamError& error) {
  switch (error.kind()) {
    case io::StreamError::Kind::closed:
      return "unexpected disconnect";
    case io::StreamError::Kind::timed_out:
      return "time limit exceeded";
    case io::StreamError::Kind::broken:
      return std::string(last_clause(error.what()));
    case io::StreamError::Kind::too_long:
      return "input exceeds size limit";
  }
  return error.what();
}

}  // namespace

std::optional<Server::Connection> Server::take_kept() {
  if (!kept_) return std::nullopt;
  std::optional<Connection> connection = std::exchange(kept_, std::nullopt);
  const auto now = io::Clock::now();
  if (now - connection->used > times_.idle || now - connection->made > times_.lifetime) return std::nullopt;
  // Between requests a server has nothing to say: it has ended the connection, or speaks out of turn.
  if (connection->stream.input_waiting()) return std::nullopt;
  return connection;
}

std::expected<std::string, Server::Failure> Server::ask(const Exchange& exchange) {
  const auto deadline = io::Deadline::after(times_.exchange);
  std::optional<Connection> connection = take_kept();
  for (bool was_kept = connection.has_value();; was_kept = false) {
    if (!connection) {
      auto fd = io::connect(endpoint_, deadline);
      if (!fd) return std::unexpected(Failure{true, std::string(last_clause(fd.error().text))});
      const auto now = io::Clock::now();
      connection.emplace(Connection{io::Stream(std::move(*fd)), now, now});
    }
    try {
      connection->stream.set_deadline(deadline);
      auto answer = exchange(connection->stream);
      if (!answer) return std::unexpected(Failure{false, std::move(answer.error())});
      connection->used = io::Clock::now();
      kept_ = std::move(connection);
      return std::move(*answer);
    } catch (const io::StreamError& error) {
      connection.reset();
      const bool stale =
          was_kept && (error.kind() == io::StreamError::Kind::closed || error.kind() == io::StreamError::Kind::broken);
      if (!stale) return std::unexpected(Failure{false, reason_of(error)});
    }
  }
}

}  // namespace table
