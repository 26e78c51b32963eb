#pragma once
// Inside the library: which answers of a DNS list count. "127.0.0.2", "127.0.[0..255].[1;3..7]": four octets, each a
// number or, in brackets, numbers and ranges of them.

#include <array>
#include <bitset>
#include <expected>
#include <string>
#include <string_view>

namespace restrictions {

class AddressPattern {
 public:
  // The error says what was expected, and shows where: need "." at "127.0.0><".
  static std::expected<AddressPattern, std::string> parse(std::string_view text);

  bool matches(std::string_view ipv4_address) const;

 private:
  std::array<std::bitset<256>, 4> octets_;
};

}  // namespace restrictions
