#include "mail/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace mail {

namespace {

constexpr std::string_view kSpecials = "()<>@,;:\\\".[]";
constexpr std::size_t kLongestLabel = 63;
constexpr std::size_t kLongestName = 255;
constexpr std::size_t kNoAt = std::string_view::npos;

constexpr std::array<bool, 256> kAtomCharacters = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = ' ' + 1; c < table.size(); ++c) {
    table[c] = c >= 0x80 || (c != 0x7f && !kSpecials.contains(static_cast<char>(c)));
  }
  return table;
}();

bool is_atom_character(char c) {
  return kAtomCharacters[static_cast<unsigned char>(c)];
}

// Atoms with single dots between them.
bool is_dot_string(std::string_view text) {
  bool after_dot = true;
  for (const char c : text) {
    if (c == '.' ? after_dot : !is_atom_character(c)) return false;
    after_dot = c == '.';
  }
  return !after_dot;
}

// Where an old source route ends: behind the colon of "@a,@b:user@domain".
std::size_t route_length(std::string_view address) {
  if (!address.starts_with('@')) return 0;
  const auto colon = address.find(':');
  return colon == std::string_view::npos ? 0 : colon + 1;
}

bool is_label_byte(char c, Utf8 utf8) {
  return base::is_alnum(c) || c == '-' || c == '_' || (utf8 == Utf8::yes && static_cast<unsigned char>(c) >= 0x80);
}

bool is_label(std::string_view label, Utf8 utf8) {
  return !label.empty() && label.size() <= kLongestLabel && label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(label, [&](char c) { return is_label_byte(c, utf8); });
}

// Four decimal numbers, as people write them: with leading zeros, too. The network 0 is no host.
bool is_ipv4_literal(std::string_view text) {
  std::array<int, 4> parts{};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) {
      if (!text.starts_with('.')) return false;
      text.remove_prefix(1);
    }
    if (text.empty() || !base::is_digit(text[0])) return false;
    for (; !text.empty() && base::is_digit(text[0]); text.remove_prefix(1)) {
      parts[i] = parts[i] * 10 + (text[0] - '0');
      if (parts[i] > 255) return false;
    }
  }
  return text.empty() && (parts[0] != 0 || parts == std::array<int, 4>{});
}

}  // namespace

void append_quote(std::string& to, std::string_view address) {
  const std::size_t route = route_length(address);
  const auto at = address.find_last_of('@');
  const std::size_t local_end = at == kNoAt || at < route ? address.size() : at;
  const std::string_view local = address.substr(route, local_end - route);
  if (is_dot_string(local)) {
    to += address;
    return;
  }
  to += address.substr(0, route);
  to += '"';
  for (const char c : local) {
    if (c == '"' || c == '\\' || c == '\r') to += '\\';
    to += c;
  }
  to += '"';
  to += address.substr(local_end);
}

std::string quote(std::string_view address) {
  std::string quoted;
  append_quote(quoted, address);
  return quoted;
}

std::string unquote(std::string_view address) {
  std::string plain;
  plain.reserve(address.size());
  bool quoted = false;
  for (std::size_t i = 0; i < address.size(); ++i) {
    if (address[i] == '"') {
      quoted = !quoted;
      continue;
    }
    const auto literal_end = address[i] == '[' && !quoted ? address.find(']', i) : std::string_view::npos;
    if (literal_end != std::string_view::npos) {
      plain += address.substr(i, literal_end - i + 1);
      i = literal_end;
      continue;
    }
    if (address[i] == '\\' && ++i == address.size()) break;
    plain += address[i];
  }
  return plain;
}

Split split(std::string_view address) {
  const auto at = address.rfind('@');
  if (at == kNoAt) return {address, {}, false};
  return {address.substr(0, at), address.substr(at + 1), true};
}

bool is_valid_hostname(std::string_view name, Utf8 utf8) {
  if (name.empty() || name.size() > kLongestName) return false;
  if (utf8 == Utf8::yes && !base::is_valid_utf8(name)) return false;
  if (std::ranges::all_of(name, [](char c) { return base::is_digit(c) || c == '.'; })) return false;
  while (true) {
    const auto dot = name.find('.');
    if (!is_label(name.substr(0, dot), utf8)) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

bool is_valid_literal(std::string_view bracketed) {
  if (bracketed.size() < 3 || bracketed.front() != '[' || bracketed.back() != ']') return false;
  std::string address(bracketed.substr(1, bracketed.size() - 2));
  if (address.contains('\0')) return false;
  constexpr std::string_view kIpv6 = "ipv6:";
  in6_addr ipv6{};
  if (base::starts_with_folded(address, kIpv6)) {
    return ::inet_pton(AF_INET6, address.c_str() + kIpv6.size(), &ipv6) == 1;
  }
  return is_ipv4_literal(address);
}

bool is_numeric_domain(std::string_view name) {
  const std::string address(name);
  in_addr ipv4{};
  in6_addr ipv6{};
  return !name.contains('\0') &&
         (::inet_pton(AF_INET, address.c_str(), &ipv4) == 1 || ::inet_pton(AF_INET6, address.c_str(), &ipv6) == 1);
}

std::string verp_sender(std::string_view sender, std::string_view delimiters, std::string_view recipient) {
  if (delimiters.size() != 2) return std::string(sender);
  const Split from = split(sender);
  const Split to = split(recipient);
  std::string result = fmt::format("{}{}{}", from.local, delimiters[0], to.local);
  if (to.has_at) result += fmt::format("{}{}", delimiters[1], to.domain);
  if (from.has_at) result += fmt::format("@{}", from.domain);
  return result;
}

std::string for_log(std::string_view address, bool external) {
  if (!external || address.empty()) return base::printable(address);
  return base::printable(quote(address));
}

}  // namespace mail
