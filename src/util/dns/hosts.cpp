#include "dns/hosts.h"

#include <arpa/inet.h>

#include <algorithm>

#include "base/text.h"

namespace dns {

Hosts::Hosts(std::string_view text) {
  for (std::string_view line : base::split(text, "\n")) {
    line = line.substr(0, line.find('#'));
    const auto words = base::split(line, " \t\r\f\v");
    if (words.size() < 2) continue;
    const std::string address = canonical_address(words[0]);
    if (address.empty()) continue;
    names_.try_emplace(address, words[1]);
    for (const std::string_view name : std::span(words).subspan(1)) {
      auto& addresses = addresses_[base::lower(name)];
      if (std::ranges::find(addresses, address) == addresses.end()) addresses.push_back(address);
    }
  }
}

const std::vector<std::string>& Hosts::addresses_of(std::string_view name) const {
  static const std::vector<std::string> kNone;
  if (addresses_.empty()) return kNone;
  const auto found = addresses_.find(base::lower(name));
  return found == addresses_.end() ? kNone : found->second;
}

const std::string& Hosts::name_of(std::string_view address) const {
  static const std::string kNone;
  if (names_.empty()) return kNone;
  const auto found = names_.find(canonical_address(address));
  return found == names_.end() ? kNone : found->second;
}

std::string canonical_address(std::string_view text) {
  if (text.size() >= INET6_ADDRSTRLEN) return {};
  const std::string address(text);
  in6_addr bytes{};
  char canonical[INET6_ADDRSTRLEN];
  for (const int family : {AF_INET, AF_INET6}) {
    if (::inet_pton(family, address.c_str(), &bytes) == 1 && !text.contains('\0'))
      return ::inet_ntop(family, &bytes, canonical, sizeof canonical);
  }
  return {};
}

}  // namespace dns
