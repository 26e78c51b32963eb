#include "table/ip_network.h"

#include <arpa/inet.h>

#include "base/text.h"

namespace table {

std::optional<IpAddress> parse_address(std::string_view text) {
  char buffer[INET6_ADDRSTRLEN + 1];
  if (text.empty() || text.size() >= sizeof buffer || text.contains('\0')) return std::nullopt;
  buffer[text.copy(buffer, sizeof buffer - 1)] = '\0';
  IpAddress address;
  address.is_v6 = text.contains(':');
  if (::inet_pton(address.is_v6 ? AF_INET6 : AF_INET, buffer, address.bytes.data()) != 1) return std::nullopt;
  return address;
}

std::string address_text(const IpAddress& address) {
  char buffer[INET6_ADDRSTRLEN];
  const char* text = ::inet_ntop(address.is_v6 ? AF_INET6 : AF_INET, address.bytes.data(), buffer, sizeof buffer);
  return text == nullptr ? std::string() : text;
}

IpAddress masked(const IpAddress& address, int length) {
  IpAddress result = address;
  for (int i = 0; i < 16; ++i) {
    const int keep = std::clamp(length - i * 8, 0, 8);
    result.bytes[static_cast<std::size_t>(i)] &= static_cast<std::uint8_t>(0xff00 >> keep);
  }
  return result;
}

std::expected<IpNetwork, std::string> parse_network(std::string_view pattern) {
  std::string_view network_part = pattern;
  std::string_view bits;
  bool has_bits = false;
  const auto split_at_slash = [&](std::string_view text) {
    const auto slash = text.find('/');
    network_part = text.substr(0, slash);
    has_bits = slash != std::string_view::npos;
    if (has_bits) bits = text.substr(slash + 1);
  };
  std::string unbracketed(pattern);  // for messages
  if (pattern.starts_with('[')) {
    const auto close = pattern.find(']');
    if (close == std::string_view::npos) {
      return std::unexpected(fmt::format("missing ']' character after \"{}\"", pattern));
    }
    const std::string_view inside = pattern.substr(1, close - 1);
    const std::string_view behind = pattern.substr(close + 1);
    if (!behind.empty() && !behind.starts_with('/')) {
      return std::unexpected(fmt::format("garbage after \"{}\"", pattern.substr(0, close + 1)));
    }
    unbracketed = fmt::format("{}{}", inside, behind);
    if (behind.empty()) {
      split_at_slash(inside);
    } else {
      network_part = inside;
      has_bits = true;
      bits = behind.substr(1);
    }
  } else {
    split_at_slash(pattern);
  }
  const auto problem = [&](std::string_view what) {
    return std::unexpected(fmt::format("{} \"{}\"", what, unbracketed));
  };
  const auto address = parse_address(network_part);
  if (!has_bits) {
    if (!address) return problem("bad address pattern:");
    return IpNetwork{*address, address->bits()};
  }
  if (!base::all_digits(bits)) return problem("bad mask value in");
  if (!address) return problem("bad network value in");
  const auto length = base::to_long(bits);
  if (!length || *length > address->bits()) return problem("bad mask length in");
  const IpNetwork network{masked(*address, static_cast<int>(*length)), static_cast<int>(*length)};
  if (network.address != *address) {
    return std::unexpected(fmt::format("non-null host address bits in \"{}\", perhaps you should use \"{}/{}\" instead",
                                       unbracketed, address_text(network.address), network.length));
  }
  return network;
}

}  // namespace table
