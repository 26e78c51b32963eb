// XCLIENT and XFORWARD with any words: names, addresses and ports that come out are such, and nothing that comes out
// could break a header, a log line or a reply.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/text.h"
#include "mail/address.h"
#include "smtpd/client_attributes.h"

namespace {

void check_text(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') std::abort();
  }
}

void check_address(const std::string& address, smtpd::Families families) {
  if (address == "unknown" || address.empty()) return;
  if (smtpd::ipv4_address(address, families) != address && smtpd::ipv6_address(address, families) != address) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smtpd;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto words = base::split(text, " ");
  for (const Families families : {Families{true, true}, Families{true, false}}) {
    if (const auto change = understand_xclient({}, words, families)) {
      for (const std::string* name : {&change->client.name, &change->client.reverse_name}) {
        if (!mail::is_valid_hostname(*name)) std::abort();
      }
      check_address(change->client.address, families);
      check_address(change->client.server_address, families);
      check_text(change->helo.value_or(""));
      check_text(change->login.value_or(""));
    } else {
      check_text(change.error());
    }
    if (const auto forwarding = understand_xforward({}, words, families)) {
      check_address(forwarding->address, families);
      for (const std::string* each : {&forwarding->name, &forwarding->port, &forwarding->protocol, &forwarding->helo,
                                      &forwarding->ident, &forwarding->source}) {
        check_text(*each);
        if (each->contains(' ') || each->contains(';')) std::abort();
      }
      check_text(logged_client(*forwarding, {}, "", "", true).origin);
    } else {
      check_text(forwarding.error());
    }
  }
  return 0;
}
