// tcp: a server that answers `get <key>` with a line: tcp:host:port.
#include "logging/log.h"
#include "table/server.h"
#include "table/server_reply.h"
#include "table/types.h"

namespace table {

namespace {

constexpr std::size_t kLongestReply = 4096;  // with its newline

class TcpTable final : public Table {
 public:
  TcpTable(const std::string& argument, io::Endpoint endpoint, const Settings& settings)
      : Table("tcp:" + argument, KeyForm::pattern),
        argument_(argument),
        server_(std::move(endpoint), {.exchange = settings.network_timeout}) {}

  Answer lookup(std::string_view key) override {
    if (key.empty()) return std::nullopt;
    const std::string request = tcp_request(key);
    const auto line = server_.ask([&](io::Stream& stream) -> std::expected<std::string, std::string> {
      stream.write(request);
      stream.flush();
      auto [text, crlf] = stream.read_line(kLongestReply - 1);
      if (crlf) text += '\r';  // a part of the text here
      return text;
    });
    if (!line) {
      const auto& [connecting, reason] = line.error();
      return failure(
          connecting ? "connect to TCP map {server}: {reason}" : "read TCP map reply from {server}: {reason}", reason);
    }
    const auto reply = parse_tcp_reply(*line);
    if (!reply) return failure("read TCP map reply from {server}: {reason}", reply.error());
    switch (reply->kind) {
      case ServerReply::Kind::found:
        return reply->text;
      case ServerReply::Kind::not_found:
        return std::nullopt;
      case ServerReply::Kind::temporary:
      case ServerReply::Kind::timed_out:
      case ServerReply::Kind::permanent:
      case ServerReply::Kind::unknown:
        break;
    }
    return std::unexpected(query_error(name(), reply->text));
  }

 private:
  Answer failure(std::string_view text, const std::string& reason) const {
    logging::warning("table.server", text, {{"server", argument_}, {"reason", reason}});
    return std::unexpected(query_error(name(), reason));
  }

  std::string argument_;
  Server server_;
};

}  // namespace

Opened open_tcp(const std::string& argument, const Settings& settings, const Options& options) {
  if (options.access != Access::read) return std::unexpected(read_only("tcp:" + argument));
  auto endpoint = io::parse_endpoint("inet:" + argument);
  if (!endpoint) return std::unexpected(Error{fmt::format("tcp:{}: {}", argument, endpoint.error().text), true});
  return std::make_unique<TcpTable>(argument, std::move(*endpoint), settings);
}

}  // namespace table
