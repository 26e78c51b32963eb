#pragma once
// Inside the library: IP addresses and networks as bits.

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace table {

// 16 bytes, of which an IPv4 address uses the first four.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};
  bool is_v6 = false;

  int bits() const { return is_v6 ? 128 : 32; }
  bool operator==(const IpAddress&) const = default;
};

// The numbers-and-dots or colon form, as inet_pton(3) takes it; no brackets, no zone.
std::optional<IpAddress> parse_address(std::string_view text);
std::string address_text(const IpAddress& address);

// All bits after the first `length` cleared.
IpAddress masked(const IpAddress& address, int length);

struct IpNetwork {
  IpAddress address;  // host bits are zero
  int length;
  bool contains(const IpAddress& other) const {
    return address.is_v6 == other.is_v6 && masked(other, length) == address;
  }
};

// "10.0.0.0/8", "10.1.2.3", "[2001:db8::]/32", "[2001:db8::/32]". The error is Postfix's whole reason, but for what it
// does about it: non-null host address bits in "10.0.0.1/8", perhaps you should use "10.0.0.0/8" instead.
std::expected<IpNetwork, std::string> parse_network(std::string_view pattern);

}  // namespace table
