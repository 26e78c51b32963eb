#pragma once
// The attributes of XCLIENT and XFORWARD, by which a host that is trusted tells of another one.
//
//   XCLIENT NAME=spike.example.com ADDR=IPV6:2001:db8::1 LOGIN=[UNAVAILABLE]
//
// Values are in xtext (a value that is no xtext stands for itself) and at most 255 bytes long. [UNAVAILABLE]: there is
// none; [TEMPUNAVAIL]: it cannot be told now.

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "restrictions/subject.h"
#include "smtpd/ip_text.h"

namespace smtpd {

// What XCLIENT says. Nothing: it is not named.
struct ClientChange {
  restrictions::Client client;          // as it was, with the changes
  std::optional<std::string> helo;      // fit for a header; empty: not said
  std::optional<std::string> protocol;  // SMTP or ESMTP
  std::optional<std::string> login;     // empty: nobody has logged in
};
// The error is the text of the reply 501 5.5.4.
std::expected<ClientChange, std::string> understand_xclient(const restrictions::Client& client,
                                                            std::span<const std::string_view> words, Families families);

// What XFORWARD says, command after command, until the transaction ends. Empty: not said, or "there is none".
struct Forwarding {
  std::string name, address, port, protocol, helo, ident, source;
  bool seen = false;          // anything at all
  bool tells_client = false;  // more than IDENT and SOURCE: nothing of our own client's stands for it then
};
std::expected<Forwarding, std::string> understand_xforward(Forwarding so_far, std::span<const std::string_view> words,
                                                           Families families);

// Text of a client's that goes into headers and logs: what has a meaning there, and what cannot be printed, becomes
// '?'.
std::string neutral(std::string_view text);

// The client as logs are to see it: by XFORWARD's word, or our own.
struct LoggedClient {
  std::string name, address, port, helo, protocol;
  std::string origin;  // "name[address]:port"; the name alone when the address is not known
};
LoggedClient logged_client(const Forwarding& forwarding, const restrictions::Client& client, std::string_view helo,
                           std::string_view protocol, bool with_port);

}  // namespace smtpd
