#include "dns/names.h"

#include <arpa/inet.h>

#include "base/text.h"
#include "dns/resolver.h"
#include "mail/address.h"
#include "mail/idn.h"

namespace dns {

namespace {

// The octets or nibbles of an address from its end, each followed by a dot.
std::string labels_of(std::string_view address, std::string_view suffix_v4, std::string_view suffix_v6) {
  if (address.size() >= INET6_ADDRSTRLEN || address.contains('\0')) return {};
  const std::string text(address);
  unsigned char bytes[16];
  std::string labels;
  if (::inet_pton(AF_INET, text.c_str(), bytes) == 1) {
    for (int index = 3; index >= 0; --index) labels += fmt::format("{}.", bytes[index]);
    return labels.append(suffix_v4);
  }
  if (::inet_pton(AF_INET6, text.c_str(), bytes) == 1) {
    for (int index = 15; index >= 0; --index) labels += fmt::format("{:x}.{:x}.", bytes[index] & 15, bytes[index] >> 4);
    return labels.append(suffix_v6);
  }
  return {};
}

}  // namespace

std::string ascii_name(std::string_view name, bool utf8) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.size() > 1024) return {};
  if (!utf8 && !base::is_ascii(name)) return {};
  const auto ascii = mail::ascii_domain(name);
  return ascii && mail::is_valid_hostname(*ascii) ? base::lower(*ascii) : std::string();
}

std::string reversed(std::string_view address) {
  std::string labels = labels_of(address, "", "");
  if (!labels.empty()) labels.pop_back();
  return labels;
}

std::string reverse_name(std::string_view address) {
  return labels_of(address, "in-addr.arpa", "ip6.arpa");
}

std::string_view name_of(Type type) {
  switch (type) {
    case Type::a:
      return "A";
    case Type::ns:
      return "NS";
    case Type::cname:
      return "CNAME";
    case Type::soa:
      return "SOA";
    case Type::ptr:
      return "PTR";
    case Type::mx:
      return "MX";
    case Type::txt:
      return "TXT";
    case Type::aaaa:
      return "AAAA";
    case Type::srv:
      return "SRV";
    case Type::tlsa:
      return "TLSA";
  }
  return "TYPE0";
}

std::string_view system_words(Failure::Kind kind) {
  switch (kind) {
    case Failure::Kind::no_data:
      return "No address associated with hostname";
    case Failure::Kind::try_again:
      return "Temporary failure in name resolution";
    case Failure::Kind::not_found:
    case Failure::Kind::invalid:
      break;
  }
  return "Name or service not known";
}

std::string_view dns_words(const Failure& failure) {
  if (failure.filtered) return "DNS reply filter policy";
  switch (failure.kind) {
    case Failure::Kind::no_data:
      return "Host found but no data record of requested type";
    case Failure::Kind::try_again:
      return "Host not found, try again";
    case Failure::Kind::not_found:
    case Failure::Kind::invalid:
      break;
  }
  return "Host not found";
}

}  // namespace dns
