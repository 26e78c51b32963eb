#include "master/endpoints.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "base/fd.h"
#include "base/text.h"

namespace master {

namespace {

using base::Error;
using base::printable;

constexpr int kHighestPort = 65535;

std::unexpected<Error> wrong(std::string text) {
  return std::unexpected(Error{std::move(text)});
}

std::expected<int, Error> port_number(std::string_view port, const Network& network) {
  if (const auto known = network.known_ports.find(port); known != network.known_ports.end()) return known->second;
  if (base::all_digits(port)) {
    const auto number = base::to_long(port);
    if (number && *number > 0 && *number <= kHighestPort) return static_cast<int>(*number);
    return wrong(fmt::format("bad port \"{}\": specify a number from 1 to {}", port, kHighestPort));
  }
  const std::string name(port);
  const servent* entry = ::getservbyname(name.c_str(), "tcp");
  if (entry == nullptr) {
    return wrong(fmt::format("unknown service name \"{}\": specify a port number, or add the name to known_tcp_ports",
                             printable(port)));
  }
  return ntohs(static_cast<std::uint16_t>(entry->s_port));
}

struct Protocols {
  bool ipv4 = false;
  bool ipv6 = false;
};

std::expected<Protocols, Error> protocols_of(const Network& network) {
  Protocols chosen;
  for (const auto word : base::split(network.inet_protocols)) {
    if (word != "all" && word != "ipv4" && word != "ipv6") {
      return wrong(fmt::format("unknown inet_protocols value \"{}\": specify all, ipv4 or ipv6", printable(word)));
    }
    chosen.ipv4 |= word != "ipv6";
    chosen.ipv6 |= word != "ipv4";
  }
  if (!network.has_ipv6 && chosen.ipv4) chosen.ipv6 = false;
  return chosen;
}

Endpoint inet_endpoint(const void* address, bool is_ipv6, int port) {
  char text[INET6_ADDRSTRLEN];
  ::inet_ntop(is_ipv6 ? AF_INET6 : AF_INET, address, text, sizeof text);
  Endpoint endpoint{};
  endpoint.kind = Endpoint::Kind::inet;
  endpoint.address = text;
  endpoint.is_ipv6 = is_ipv6;
  endpoint.port = port;
  return endpoint;
}

void add(std::vector<Endpoint>& all, Endpoint endpoint) {
  if (std::ranges::find(all, endpoint) == all.end()) all.push_back(std::move(endpoint));
}

std::expected<std::vector<Endpoint>, Error> of_host(const std::string& host, int port, const Protocols& protocols) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_family = AF_UNSPEC;
  addrinfo* list = nullptr;
  if (const int result = ::getaddrinfo(host.c_str(), nullptr, &hints, &list); result != 0) {
    return wrong(fmt::format("look up host \"{}\": {}", printable(host), ::gai_strerror(result)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, ::freeaddrinfo);
  std::vector<Endpoint> all;
  for (; list != nullptr; list = list->ai_next) {
    if (list->ai_family == AF_INET && protocols.ipv4) {
      sockaddr_in address;
      std::memcpy(&address, list->ai_addr, sizeof address);
      add(all, inet_endpoint(&address.sin_addr, false, port));
    } else if (list->ai_family == AF_INET6 && protocols.ipv6) {
      sockaddr_in6 address;
      std::memcpy(&address, list->ai_addr, sizeof address);
      add(all, inet_endpoint(&address.sin6_addr, true, port));
    }
  }
  if (all.empty()) {
    return wrong(fmt::format("host \"{}\" has no address of the kinds that inet_protocols allows", printable(host)));
  }
  return all;
}

}  // namespace

std::string Endpoint::text() const {
  if (kind != Kind::inet) return path;
  return is_ipv6 ? fmt::format("[{}]:{}", address, port) : fmt::format("{}:{}", address, port);
}

std::expected<HostAndPort, Error> split_inet_name(std::string_view name) {
  HostAndPort result;
  std::string_view port = name;
  if (name.starts_with('[')) {
    const auto close = name.find(']');
    if (close == std::string_view::npos) return wrong(fmt::format("missing ']' in \"{}\"", printable(name)));
    result.host = name.substr(1, close - 1);
    port = name.substr(close + 1);
    if (!port.starts_with(':')) return wrong(fmt::format("missing ':port' after ']' in \"{}\"", printable(name)));
    port.remove_prefix(1);
  } else if (const auto colon = name.rfind(':'); colon != std::string_view::npos) {
    result.host = name.substr(0, colon);
    port = name.substr(colon + 1);
  }
  if (port.empty()) return wrong(fmt::format("missing port in \"{}\"", printable(name)));
  if (name.starts_with("[]")) return wrong(fmt::format("missing host in \"{}\"", printable(name)));
  result.port = port;
  return result;
}

std::expected<std::map<std::string, int, std::less<>>, Error> parse_known_ports(std::string_view list) {
  std::map<std::string, int, std::less<>> ports;
  for (const auto group : base::split(list)) {
    const auto last = group.rfind('=');
    const auto number = last == std::string_view::npos ? std::nullopt : base::to_long(group.substr(last + 1));
    if (!number || *number < 1 || *number > kHighestPort) {
      return wrong(
          fmt::format("bad known_tcp_ports entry \"{}\": specify name=port or name=name=port", printable(group)));
    }
    for (const auto name : base::split(group.substr(0, last), "=")) {
      if (base::all_digits(name)) {
        return wrong(fmt::format("bad known_tcp_ports entry \"{}\": \"{}\" is no name", printable(group), name));
      }
      ports[std::string(name)] = static_cast<int>(*number);
    }
  }
  return ports;
}

std::expected<std::vector<Endpoint>, Error> inet_endpoints(std::string_view name, const Network& network) {
  const auto parts = split_inet_name(name);
  if (!parts) return std::unexpected(parts.error());
  const auto port = port_number(parts->port, network);
  if (!port) return std::unexpected(port.error());
  const auto protocols = protocols_of(network);
  if (!protocols) return std::unexpected(protocols.error());
  if (!parts->host.empty()) return of_host(parts->host, *port, *protocols);

  std::vector<Endpoint> all;
  if (network.inet_interfaces == "all") {
    const in_addr any4{};
    const in6_addr any6{};
    if (protocols->ipv4) add(all, inet_endpoint(&any4, false, *port));
    if (protocols->ipv6) add(all, inet_endpoint(&any6, true, *port));
    return all;
  }
  const auto interfaces = config::interface_addresses();
  if (!interfaces) return std::unexpected(interfaces.error());
  const auto chosen = config::choose_addresses(*interfaces, network.inet_interfaces, network.inet_protocols);
  if (!chosen) return std::unexpected(chosen.error());
  for (const auto& address : *chosen) add(all, inet_endpoint(address.address.data(), address.is_ipv6, *port));
  if (all.empty()) return wrong("no interface has an address that inet_interfaces and inet_protocols choose");
  return all;
}

std::expected<Endpoint, Error> local_endpoint(const config::Service& service) {
  const auto parts = base::split(service.name, "/");
  const bool climbs = std::ranges::any_of(parts, [](std::string_view part) { return part == ".." || part == "."; });
  if (parts.empty() || climbs || service.name.ends_with('/') || service.name.contains('\0')) {
    return wrong(fmt::format("bad service name \"{}\": specify the name of a socket in the queue directory",
                             printable(service.name)));
  }
  Endpoint endpoint{};
  endpoint.kind = service.type == config::ServiceType::unix_datagram ? Endpoint::Kind::unix_datagram
                  : service.type == config::ServiceType::fifo        ? Endpoint::Kind::fifo
                                                                     : Endpoint::Kind::unix_stream;
  endpoint.path = fmt::format("{}/{}", service.is_private ? "private" : "public", fmt::join(parts, "/"));
  if (endpoint.path.size() >= sizeof sockaddr_un{}.sun_path) {
    return wrong(fmt::format("service name \"{}\" is too long for a socket", printable(service.name)));
  }
  return endpoint;
}

bool kernel_has_ipv6() {
  const base::Fd probe(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return static_cast<bool>(probe) || errno != EAFNOSUPPORT;
}

}  // namespace master
