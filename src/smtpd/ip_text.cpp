#include "smtpd/ip_text.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "base/text.h"

namespace smtpd {

Families Families::of(std::string_view inet_protocols) {
  Families families{false, false};
  for (const std::string_view word : base::split(inet_protocols)) {
    const bool all = base::equals_folded(word, "all");
    families.ipv4 |= all || base::equals_folded(word, "ipv4");
    families.ipv6 |= all || base::equals_folded(word, "ipv6");
  }
  return families;
}

// Not by inet_pton, to which 192.000.002.001 is no address.
std::optional<std::string> ipv4_address(std::string_view text, Families families) {
  std::string result;
  int parts = 0;
  for (;;) {
    const auto dot = text.find('.');
    const std::string_view part = text.substr(0, dot);
    if (part.empty() || part.size() > 3 || !base::all_digits(part)) return std::nullopt;
    const auto number = base::to_unsigned(part);
    if (!number || *number > 255) return std::nullopt;
    result += (parts == 0 ? "" : ".") + std::to_string(*number);
    ++parts;
    if (dot == std::string_view::npos) break;
    text.remove_prefix(dot + 1);
  }
  if (parts != 4 || !families.ipv4) return std::nullopt;
  return result;
}

std::optional<std::string> ipv6_address(std::string_view text, Families families) {
  in6_addr address{};
  if (text.contains('\0') || text.size() >= INET6_ADDRSTRLEN) return std::nullopt;
  if (::inet_pton(AF_INET6, std::string(text).c_str(), &address) != 1) return std::nullopt;
  char written[INET6_ADDRSTRLEN] = {};
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    if (!families.ipv4) return std::nullopt;
    ::inet_ntop(AF_INET, &address.s6_addr[12], written, sizeof written);
    return written;
  }
  if (!families.ipv6) return std::nullopt;
  ::inet_ntop(AF_INET6, &address, written, sizeof written);
  return written;
}

}  // namespace smtpd
