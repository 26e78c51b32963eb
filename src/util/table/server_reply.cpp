#include "table/server_reply.h"

#include <optional>

#include "base/text.h"

namespace table {

namespace {

std::optional<int> hexadecimal(char c) {
  if (base::is_digit(c)) return c - '0';
  const char lower = base::to_lower(c);
  if (lower >= 'a' && lower <= 'f') return lower - 'a' + 10;
  return std::nullopt;
}

std::optional<std::string> decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const auto high = hexadecimal(text[i + 1]);
    const auto low = hexadecimal(text[i + 2]);
    if (!high || !low) return std::nullopt;
    result += static_cast<char>(static_cast<unsigned char>(*high * 16 + *low));
    i += 2;
  }
  return result;
}

}  // namespace

std::string tcp_request(std::string_view key) {
  std::string request = "get ";
  for (const char c : key) {
    if (base::is_printable(c) && c != ' ' && c != '%') {
      request += c;
    } else {
      request += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return request + '\n';
}

std::expected<ServerReply, std::string> parse_tcp_reply(std::string_view line) {
  const auto malformed = [&] { return std::unexpected(fmt::format("malformed reply: {}", line)); };
  if (line.size() < 4 || !base::all_digits(line.substr(0, 3)) || !base::is_blank(line[3])) return malformed();
  auto text = decoded(line.substr(4));
  // A NUL byte cannot be a part of a value, and would hide what stands behind it.
  if (!text || text->contains('\0')) return malformed();
  using Kind = ServerReply::Kind;
  switch (line[0]) {
    case '2':
      return ServerReply{Kind::found, std::move(*text)};
    case '4':
      return ServerReply{Kind::temporary, std::move(*text)};
    case '5':
      return ServerReply{Kind::not_found, std::move(*text)};
    default:
      return std::unexpected(fmt::format("bad status code: {}", line));
  }
}

ServerReply parse_socketmap_reply(std::string_view payload) {
  using Kind = ServerReply::Kind;
  const auto blank = payload.find(' ');
  const std::string_view word = payload.substr(0, blank);
  std::string text(blank == std::string_view::npos ? std::string_view() : payload.substr(blank + 1));
  if (text.contains('\0')) return {Kind::unknown, "NUL byte in the reply"};
  // "OK" without the blank has no value.
  if (word == "OK") return {blank == std::string_view::npos ? Kind::not_found : Kind::found, std::move(text)};
  if (word == "NOTFOUND") return {Kind::not_found, std::move(text)};
  if (word == "TEMP") return {Kind::temporary, std::move(text)};
  if (word == "TIMEOUT") return {Kind::timed_out, std::move(text)};
  if (word == "PERM") return {Kind::permanent, std::move(text)};
  return {Kind::unknown, std::move(text)};
}

}  // namespace table
