// socketmap: a server that is asked with netstrings: socketmap:inet:host:port:name, socketmap:unix:path:name.
#include "table/socketmap.h"

#include <unistd.h>

#include "io/netstring.h"
#include "logging/log.h"
#include "table/server.h"
#include "table/server_reply.h"
#include "table/types.h"

namespace table {

namespace {

constexpr std::chrono::seconds kIdle{10};
constexpr std::chrono::seconds kLifetime{100};

class SocketMap final : public Table {
 public:
  SocketMap(std::string address, std::string map, io::Endpoint endpoint, const Settings& settings)
      : Table(fmt::format("socketmap:{}:{}", address, map), KeyForm::pattern),
        map_(std::move(map)),
        address_(std::move(address)),
        most_query_(static_cast<std::size_t>(settings.socketmap_max_query)),
        most_reply_(static_cast<std::size_t>(settings.socketmap_max_reply)),
        server_(std::move(endpoint), {settings.network_timeout, kIdle, kLifetime}) {}

  Answer lookup(std::string_view key) override {
    if (key.empty()) return std::nullopt;
    const std::string query = fmt::format("{} {}", map_, key);
    if (query.size() > most_query_) return failure("query exceeds size limit");
    const auto payload = server_.ask([&](io::Stream& stream) {
      stream.write(io::netstring(query));
      stream.flush();
      return io::read_netstring(stream, most_reply_);
    });
    if (!payload) {
      const auto& [connecting, reason] = payload.error();
      if (connecting) {
        logging::warning("table.server", "connect to {server}: {reason}", {{"server", address_}, {"reason", reason}});
      }
      return failure(reason);
    }
    ServerReply reply = parse_socketmap_reply(*payload);
    switch (reply.kind) {
      case ServerReply::Kind::found:
        return std::move(reply.text);
      case ServerReply::Kind::not_found:
        return std::nullopt;
      case ServerReply::Kind::temporary:
        return refused("temporary", reply.text);
      case ServerReply::Kind::timed_out:
        return refused("timeout", reply.text);
      case ServerReply::Kind::permanent:
        return refused("permanent", reply.text, true);
      case ServerReply::Kind::unknown:
        break;
    }
    return refused("unknown", reply.text);
  }

 private:
  Answer failure(const std::string& reason) const {
    logging::warning("table.server", "table {table} lookup error: {reason}", {{"table", name()}, {"reason", reason}});
    return std::unexpected(query_error(name(), reason));
  }

  Answer refused(std::string_view kind, const std::string& text, bool permanent = false) const {
    const std::string reason = fmt::format("socketmap server {} error{}{}", kind, text.empty() ? "" : ": ", text);
    logging::warning("table.server", "{table} {reason}", {{"table", name()}, {"reason", reason}});
    return std::unexpected(query_error(name(), reason, permanent));
  }

  std::string map_;
  std::string address_;
  std::size_t most_query_;
  std::size_t most_reply_;
  Server server_;
};

}  // namespace

std::unique_ptr<Table> ask_socketmap(std::string address, std::string map, io::Endpoint endpoint,
                                     const Settings& settings) {
  return std::make_unique<SocketMap>(std::move(address), std::move(map), std::move(endpoint), settings);
}

Opened open_socketmap(const std::string& argument, const Settings& settings, const Options& options) {
  if (options.access != Access::read) return std::unexpected(read_only("socketmap:" + argument));
  const auto colon = argument.rfind(':');
  if (colon == std::string::npos) return std::unexpected(Error{"socketmap requires server:socketmap argument", true});
  const std::string where = argument.substr(0, colon);
  const std::string transport = where.substr(0, where.find(':'));
  if (transport.size() == where.size()) {
    return std::unexpected(Error{fmt::format("need service transport:endpoint instead of \"{}\"", where), true});
  }
  if (transport != "inet" && transport != "unix") {
    return std::unexpected(Error{fmt::format("invalid transport name: {} in service: {}", transport, where), true});
  }
  auto endpoint = io::parse_endpoint(where);
  if (!endpoint) return std::unexpected(Error{fmt::format("socketmap:{}: {}", argument, endpoint.error().text), true});
  // Daemons stand in the queue directory, chrooted or not; commands stand anywhere.
  if (endpoint->type == io::Endpoint::Type::unix_stream && !endpoint->path.starts_with('/')) {
    const std::string path = settings.queue_directory + '/' + endpoint->path;
    if (::access(path.c_str(), F_OK) == 0) endpoint->path = path;
  }
  return ask_socketmap(where, argument.substr(colon + 1), std::move(*endpoint), settings);
}

}  // namespace table
