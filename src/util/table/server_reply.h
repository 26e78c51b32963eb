#pragma once
// Inside the library: what the servers of tcp and socketmap tables are asked and answer, as text.

#include <expected>
#include <string>
#include <string_view>

namespace table {

struct ServerReply {
  enum class Kind { found, not_found, temporary, timed_out, permanent, unknown };
  Kind kind;
  std::string text;  // the value, or what the server says about it
};

// tcp: "get <key>\n" with %XX for what is not printable, blanks and %.
std::string tcp_request(std::string_view key);
// A line without its newline. The error is what is wrong with it: "malformed reply: <line>", "bad status code: <line>".
std::expected<ServerReply, std::string> parse_tcp_reply(std::string_view line);

// socketmap: the payload of a netstring. A word that is none of the protocol's makes the kind `unknown`.
ServerReply parse_socketmap_reply(std::string_view payload);

}  // namespace table
