#include "routing/own_addresses.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "base/text.h"
#include "config/own_networks.h"
#include "config/param.h"

namespace routing {

namespace {

namespace param = config::param;

std::string text_of(int family, const void* address) {
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(family, address, text, sizeof text);
  return text;
}

std::optional<std::string> normal_form(const std::string& address) {
  in_addr ipv4{};
  in6_addr ipv6{};
  if (::inet_pton(AF_INET, address.c_str(), &ipv4) == 1) return text_of(AF_INET, &ipv4);
  if (::inet_pton(AF_INET6, address.c_str(), &ipv6) == 1) return text_of(AF_INET6, &ipv6);
  return std::nullopt;
}

// proxy_interfaces need not be interfaces of this machine, so that nothing holds them against the kernel's list.
std::vector<std::string> addresses_named(const std::string& host) {
  if (auto address = normal_form(host)) return {*address};
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return {};
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
  std::vector<std::string> addresses;
  for (; found != nullptr; found = found->ai_next) {
    char text[NI_MAXHOST] = {};
    if (::getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) == 0) {
      addresses.emplace_back(text);
    }
  }
  return addresses;
}

}  // namespace

OwnAddresses::OwnAddresses(const config::Config& config) {
  const auto all = config::interface_addresses();
  if (!all) throw config::BadValue(all.error().text);
  const auto own = config::choose_addresses(*all, config[param::inet_interfaces], config[param::inet_protocols]);
  if (!own) throw config::BadValue(own.error().text);
  for (const config::InterfaceAddress& address : *own) {
    addresses_.push_back(text_of(address.is_ipv6 ? AF_INET6 : AF_INET, address.address.data()));
  }
  for (const std::string_view word : base::split(config[param::proxy_interfaces])) {
    std::string host(word);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    const auto addresses = addresses_named(host);
    if (addresses.empty()) {
      throw config::BadValue("config variable proxy_interfaces: host not found: " + base::printable(host));
    }
    addresses_.insert(addresses_.end(), addresses.begin(), addresses.end());
  }
}

bool OwnAddresses::has(std::string_view literal) const {
  if (literal.size() < 3 || literal.front() != '[' || literal.back() != ']') return false;
  std::string_view inner = literal.substr(1, literal.size() - 2);
  constexpr std::string_view kIpv6 = "ipv6:";
  const bool is_ipv6 = base::starts_with_folded(inner, kIpv6);
  if (is_ipv6) inner.remove_prefix(kIpv6.size());
  if (inner.contains('\0') || inner.contains(':') != is_ipv6) return false;
  const auto address = normal_form(std::string(inner));
  return address && std::ranges::find(addresses_, *address) != addresses_.end();
}

}  // namespace routing
