// The PROXY protocol, byte by byte as it would be read: it ends, asks for no more than it takes, and what it takes is
// what addresses and ports look like.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/text.h"
#include "smtpd/haproxy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smtpd;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const Families families : {Families{true, true}, Families{true, false}, Families{false, true}}) {
    std::size_t read = 0;
    for (;;) {
      const haproxy::Parsed parsed = haproxy::parse(text.substr(0, read), families);
      if (parsed.kind == haproxy::Parsed::Kind::partial) {
        if (parsed.more == 0 || read + parsed.more > haproxy::kLongest) std::abort();
        if (read + parsed.more > size) break;
        read += parsed.more;
        continue;
      }
      if (parsed.kind == haproxy::Parsed::Kind::bad) {
        if (parsed.problem.empty()) std::abort();
      } else if (!parsed.header.is_local) {
        for (const std::string* address : {&parsed.header.client_address, &parsed.header.server_address}) {
          const bool is_ipv6 = address->contains(':');
          if (is_ipv6 ? !families.ipv6 : !families.ipv4) std::abort();
          if ((is_ipv6 ? ipv6_address(*address, families) : ipv4_address(*address, families)) != *address) std::abort();
        }
        for (const std::string* port : {&parsed.header.client_port, &parsed.header.server_port}) {
          if (!base::all_digits(*port) || *base::to_unsigned(*port) > 65535) std::abort();
        }
      }
      break;
    }
  }
  return 0;
}
