#pragma once
// Where a service of master.cf listens: from its name and type to addresses that can be bound.

#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/master_cf.h"
#include "config/own_networks.h"

namespace master {

struct Endpoint {
  enum class Kind { inet, unix_stream, unix_datagram, fifo };
  Kind kind;
  std::string path;     // relative to the queue directory; for inet empty
  std::string address;  // numeric; for inet only
  bool is_ipv6 = false;
  int port = 0;

  std::string text() const;  // "[::1]:25", "public/pickup"; says what it is, and tells endpoints apart
  bool operator==(const Endpoint&) const = default;
};

// The service name of type inet: port, host:port, [host]:port, [v6]:port, v6:port. Without a host it is empty.
struct HostAndPort {
  std::string host;
  std::string port;
};
std::expected<HostAndPort, base::Error> split_inet_name(std::string_view name);

// known_tcp_ports: "lmtp=24, smtp=25, smtps=submissions=465": each name with the number of its group.
std::expected<std::map<std::string, int, std::less<>>, base::Error> parse_known_ports(std::string_view list);

// What the addresses depend on, besides the name.
struct Network {
  std::string inet_interfaces = "all";
  std::string inet_protocols = "all";
  std::map<std::string, int, std::less<>> known_ports;
  bool has_ipv6 = true;  // the kernel does
};

// A wildcard address a protocol when there is no host and inet_interfaces is "all". The error is a clause without a
// place.
std::expected<std::vector<Endpoint>, base::Error> inet_endpoints(std::string_view name, const Network& network);

// One endpoint, in private/ or public/; the name must not lead out of there.
std::expected<Endpoint, base::Error> local_endpoint(const config::Service& service);

bool kernel_has_ipv6();

}  // namespace master
