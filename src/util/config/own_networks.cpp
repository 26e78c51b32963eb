#include "config/own_networks.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <unistd.h>

#include <bit>
#include <climits>
#include <cstring>
#include <memory>

#include "base/text.h"

namespace config {

namespace {

std::string in_quotes(std::string_view text) {
  return "\"" + base::printable(text) + "\"";
}

InterfaceAddress from_sockaddr(const sockaddr* address) {
  InterfaceAddress result;
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 ipv6;
    std::memcpy(&ipv6, address, sizeof ipv6);
    result.is_ipv6 = true;
    std::memcpy(result.address.data(), &ipv6.sin6_addr, 16);
  } else {
    sockaddr_in ipv4;
    std::memcpy(&ipv4, address, sizeof ipv4);
    std::memcpy(result.address.data(), &ipv4.sin_addr, 4);
  }
  result.prefix_length = result.is_ipv6 ? 128 : 32;
  return result;
}

bool is_internet(const sockaddr* address) {
  return address != nullptr && (address->sa_family == AF_INET || address->sa_family == AF_INET6);
}

int ones_in(const InterfaceAddress& mask) {
  int ones = 0;
  for (const unsigned char byte : mask.address) ones += std::popcount(byte);
  return ones;
}

// The prefix of the address's historical class.
int class_prefix(unsigned char first_byte) {
  if (first_byte < 128) return 8;
  if (first_byte < 192) return 16;
  if (first_byte < 224) return 24;
  return 4;
}

std::string address_text(const InterfaceAddress& interface) {
  char text[INET6_ADDRSTRLEN];
  ::inet_ntop(interface.is_ipv6 ? AF_INET6 : AF_INET, interface.address.data(), text, sizeof text);
  return text;
}

std::string network_text(const InterfaceAddress& interface, int prefix_length) {
  InterfaceAddress network = interface;
  for (int bit = prefix_length; bit < 128; ++bit) {
    auto& byte = network.address[static_cast<std::size_t>(bit / 8)];
    byte = static_cast<unsigned char>(byte & ~(0x80U >> (bit % 8)));
  }
  const std::string address = address_text(network);
  return (network.is_ipv6 ? "[" + address + "]" : address) + "/" + std::to_string(prefix_length);
}

// IPv4 first. IPv4 addresses by their bytes from the last to the first, which is how Postfix sorts them on a PC.
bool comes_before(const InterfaceAddress& a, const InterfaceAddress& b) {
  if (a.is_ipv6 != b.is_ipv6) return b.is_ipv6;
  if (a.is_ipv6) return a.address < b.address;
  return std::ranges::lexicographical_compare(a.address.rbegin(), a.address.rend(), b.address.rbegin(),
                                              b.address.rend());
}

bool same_address(const InterfaceAddress& a, const InterfaceAddress& b) {
  return a.is_ipv6 == b.is_ipv6 && a.address == b.address;
}

std::vector<InterfaceAddress> addresses_of(std::string host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return {};
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
  std::vector<InterfaceAddress> addresses;
  for (; found != nullptr; found = found->ai_next) {
    if (is_internet(found->ai_addr)) addresses.push_back(from_sockaddr(found->ai_addr));
  }
  return addresses;
}

bool is_hostname(std::string_view name) {
  return !name.empty() && !name.starts_with('.') && !name.ends_with('.') && !name.contains("..") &&
         std::ranges::all_of(name, [](char c) { return base::is_alnum(c) || c == '-' || c == '.' || c == '_'; });
}

}  // namespace

bool InterfaceAddress::is_loopback() const {
  if (!is_ipv6) return address[0] == 127;
  return std::memcmp(address.data(), &in6addr_loopback, 16) == 0;
}

std::expected<std::vector<InterfaceAddress>, base::Error> interface_addresses() {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return std::unexpected(base::errno_error("getifaddrs"));
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(list, ::freeifaddrs);
  std::vector<InterfaceAddress> addresses;
  for (; list != nullptr; list = list->ifa_next) {
    if ((list->ifa_flags & IFF_UP) == 0 || !is_internet(list->ifa_addr)) continue;
    InterfaceAddress address = from_sockaddr(list->ifa_addr);
    if (is_internet(list->ifa_netmask)) address.prefix_length = ones_in(from_sockaddr(list->ifa_netmask));
    addresses.push_back(address);
  }
  return addresses;
}

std::expected<std::vector<InterfaceAddress>, base::Error> choose_addresses(const std::vector<InterfaceAddress>& all,
                                                                           std::string_view inet_interfaces,
                                                                           std::string_view inet_protocols) {
  bool ipv4 = false;
  bool ipv6 = false;
  for (const auto protocol : base::split(inet_protocols)) {
    const bool is_all = protocol == "all";
    const bool is_ipv4 = protocol == "ipv4";
    const bool is_ipv6 = protocol == "ipv6";
    if (!is_all && !is_ipv4 && !is_ipv6) {
      return std::unexpected(
          base::Error{"unknown inet_protocols value " + in_quotes(protocol) + " in " + in_quotes(inet_protocols)});
    }
    ipv4 |= is_all || is_ipv4;
    ipv6 |= is_all || is_ipv6;
  }
  std::vector<InterfaceAddress> usable;
  std::ranges::copy_if(all, std::back_inserter(usable),
                       [&](const InterfaceAddress& address) { return address.is_ipv6 ? ipv6 : ipv4; });

  if (inet_interfaces == "all") return usable;
  if (inet_interfaces == "loopback-only") {
    std::erase_if(usable, [](const InterfaceAddress& address) { return !address.is_loopback(); });
    return usable;
  }
  std::vector<InterfaceAddress> named;
  for (const auto word : base::split(inet_interfaces)) {
    std::vector<InterfaceAddress> found = addresses_of(std::string(word));
    std::erase_if(found, [&](const InterfaceAddress& address) { return address.is_ipv6 ? !ipv6 : !ipv4; });
    if (found.empty()) {
      return std::unexpected(base::Error{"config variable inet_interfaces: host not found: " + base::printable(word)});
    }
    named.insert(named.end(), found.begin(), found.end());
  }
  std::ranges::sort(named, comes_before);
  named.erase(std::unique(named.begin(), named.end(), same_address), named.end());
  for (InterfaceAddress& address : named) {
    const auto own = std::ranges::find_if(usable, [&](const auto& other) { return same_address(address, other); });
    if (own == usable.end()) {
      return std::unexpected(
          base::Error{"parameter inet_interfaces: no local interface found for " + address_text(address)});
    }
    address = *own;
  }
  return named;
}

std::expected<std::string, base::Error> networks_text(const std::vector<InterfaceAddress>& addresses,
                                                      std::string_view style) {
  std::vector<std::string> networks;
  const auto words = base::split(style);
  if (words.size() != 1) {
    return std::unexpected(
        base::Error{"bad mynetworks_style value: " + base::printable(style) + "; specify exactly one value"});
  }
  const bool by_host = words.front() == "host";
  const bool by_class = words.front() == "class";
  if (!by_host && !by_class && words.front() != "subnet") {
    return std::unexpected(base::Error{"unknown mynetworks_style value " + in_quotes(words.front()) + " in " +
                                       in_quotes(style) + "; it is host, subnet or class"});
  }
  for (const auto& address : addresses) {
    int prefix_length = address.prefix_length;
    if (by_host) prefix_length = address.is_ipv6 ? 128 : 32;
    if (by_class && !address.is_ipv6) prefix_length = class_prefix(address.address[0]);
    networks.push_back(network_text(address, prefix_length));
  }
  std::string text;
  for (auto network = networks.begin(); network != networks.end(); ++network) {
    if (std::find(networks.begin(), network, *network) == network) text += (text.empty() ? "" : " ") + *network;
  }
  return text;
}

std::expected<std::string, base::Error> own_hostname(std::string_view domain) {
  char buffer[HOST_NAME_MAX + 1] = {};
  if (::gethostname(buffer, sizeof buffer - 1) != 0) return std::unexpected(base::errno_error("gethostname"));
  std::string name = buffer;
  if (!is_hostname(name)) {
    return std::unexpected(base::Error{"unable to use this machine's name " + in_quotes(name) + ": set myhostname"});
  }
  if (!name.contains('.')) {
    name += '.';
    name += domain;
  }
  return name;
}

std::string domain_of(std::string_view hostname) {
  const auto dot = hostname.find('.');
  return std::string(dot == std::string_view::npos ? kDefaultDomain : hostname.substr(dot + 1));
}

}  // namespace config
