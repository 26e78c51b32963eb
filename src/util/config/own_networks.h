#pragma once
// What this machine says of itself, for the defaults of myhostname, mydomain and mynetworks.

#include <netinet/in.h>

#include <array>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace config {

struct InterfaceAddress {
  bool is_ipv6 = false;
  std::array<unsigned char, 16> address{};  // the first 4 for IPv4
  int prefix_length = 0;                    // of its subnet

  bool is_loopback() const;
};

// The addresses of all interfaces that are up.
std::expected<std::vector<InterfaceAddress>, base::Error> interface_addresses();

// Those that inet_interfaces (all, loopback-only, or addresses and host names, each of which must be an interface's)
// and inet_protocols (all, ipv4, ipv6) choose.
std::expected<std::vector<InterfaceAddress>, base::Error> choose_addresses(const std::vector<InterfaceAddress>& all,
                                                                           std::string_view inet_interfaces,
                                                                           std::string_view inet_protocols);

// mynetworks for the style host, subnet or class: "127.0.0.0/8 [::1]/128".
std::expected<std::string, base::Error> networks_text(const std::vector<InterfaceAddress>& addresses,
                                                      std::string_view style);

constexpr std::string_view kDefaultDomain = "localdomain";

// This machine's name, with ".<domain>" added when it has no dot.
std::expected<std::string, base::Error> own_hostname(std::string_view domain);

// A host name less its first label; localdomain when it has only one.
std::string domain_of(std::string_view hostname);

}  // namespace config
