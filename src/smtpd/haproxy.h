#pragma once
// What a proxy says of its client before the client has said anything: the PROXY protocol, versions 1 and 2.
//
//   PROXY TCP4 192.0.2.1 192.0.2.2 1234 25 CRLF
//   12 bytes of signature, version and command, family, length, addresses and ports, further values

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

#include "io/stream.h"
#include "smtpd/ip_text.h"

namespace smtpd::haproxy {

struct Header {
  // The proxy speaks for itself (LOCAL, as health checks do): the connection's own addresses hold.
  bool is_local = false;
  std::string client_address, client_port;
  std::string server_address, server_port;
};

constexpr std::size_t kLongest = 536;  // of a header, further values and line end included

struct Parsed {
  enum class Kind { whole, partial, bad };
  Kind kind = Kind::bad;
  std::size_t more = 0;  // partial: at least so many bytes are missing
  Header header = {};    // whole: all of the text is the header
  std::string problem = {};
};
// `text` is what has come, and no more than `more` said. PROXY UNKNOWN is refused: who stands behind such a proxy would
// pass for the proxy itself, which may well be one of mynetworks.
Parsed parse(std::string_view text, Families families);

// Reads a header and not a byte more, until the deadline. The error is for the log: "haproxy read: ...".
std::expected<Header, std::string> read(io::Stream& stream, io::Deadline deadline, Families families);

}  // namespace smtpd::haproxy
