#pragma once
// IP addresses and ports as proxies and trusted clients write them.

#include <optional>
#include <string>
#include <string_view>

namespace smtpd {

// inet_protocols: addresses of another kind are not taken.
struct Families {
  bool ipv4 = true;
  bool ipv6 = true;
  static Families of(std::string_view inet_protocols);
};

// The address in the form that logs have: zeros in front are dropped, an IPv4 address in IPv6 form is an IPv4 address.
// Nothing for what is no address, or not of a family in use.
std::optional<std::string> ipv4_address(std::string_view text, Families families);
std::optional<std::string> ipv6_address(std::string_view text, Families families);

}  // namespace smtpd
