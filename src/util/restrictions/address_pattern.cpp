#include "restrictions/address_pattern.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <optional>

#include "base/text.h"

namespace restrictions {

namespace {

// Reads tokens: a number, or one other character.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::string_view peek() const {
    const std::string_view rest = text_.substr(at_);
    std::size_t digits = 0;
    while (digits < rest.size() && base::is_digit(rest[digits])) ++digits;
    return rest.substr(0, std::max<std::size_t>(digits, 1));
  }
  bool take(std::string_view token) {
    if (text_.substr(at_).substr(0, token.size()) != token || token.empty()) return false;
    at_ += token.size();
    return true;
  }
  std::optional<unsigned> take_octet() {
    const std::string_view token = peek();
    const auto number = base::to_unsigned(token);
    if (!number || *number > 255) return std::nullopt;
    at_ += token.size();
    return static_cast<unsigned>(*number);
  }
  bool at_end() const { return at_ == text_.size(); }
  std::unexpected<std::string> wrong(std::string_view what) const {
    const std::string_view token = peek();
    return std::unexpected(
        fmt::format("{} at \"{}>{}<{}\"", what, text_.substr(0, at_), token, text_.substr(at_ + token.size())));
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::expected<AddressPattern, std::string> AddressPattern::parse(std::string_view text) {
  if (text.empty()) return std::unexpected("empty address pattern");
  AddressPattern pattern;
  Reader reader(text);
  for (std::size_t index = 0; index < pattern.octets_.size(); ++index) {
    auto& octet = pattern.octets_[index];
    if (index > 0 && !reader.take(".")) return reader.wrong("need \".\"");
    if (const auto number = reader.take_octet()) {
      octet.set(*number);
      continue;
    }
    if (!reader.take("[")) return reader.wrong("need decimal number 0..255 or \"[\"");
    while (true) {
      const auto first = reader.take_octet();
      if (!first) return reader.wrong("need decimal number 0..255");
      unsigned last = *first;
      if (reader.take("..")) {
        const Reader before = reader;
        const auto end = reader.take_octet();
        if (!end || *end < *first) return before.wrong("numeric range error");
        last = *end;
      }
      for (unsigned number = *first; number <= last; ++number) octet.set(number);
      if (reader.take("]")) break;
      if (!reader.take(";")) return reader.wrong("need \";\" or \"]\"");
    }
  }
  if (!reader.at_end()) return reader.wrong("garbage after pattern");
  return pattern;
}

bool AddressPattern::matches(std::string_view ipv4_address) const {
  std::array<unsigned char, 4> bytes{};
  if (::inet_pton(AF_INET, std::string(ipv4_address).c_str(), bytes.data()) != 1) return false;
  for (std::size_t index = 0; index < bytes.size(); ++index) {
    if (!octets_[index].test(bytes[index])) return false;
  }
  return true;
}

}  // namespace restrictions
