#include "restrictions/expansion_filter.h"

namespace restrictions {

namespace {

std::string without_escapes(std::string_view text) {
  constexpr std::string_view kLetters = "abfnrtv";
  constexpr std::string_view kBytes = "\a\b\f\n\r\t\v";
  std::string result;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\' || at + 1 == text.size()) {
      result += text[at];
      continue;
    }
    ++at;
    unsigned value = 0;
    std::size_t digits = 0;
    while (digits < 3 && at + digits < text.size() && text[at + digits] >= '0' && text[at + digits] <= '7') {
      value = value * 8 + static_cast<unsigned>(text[at + digits] - '0');
      ++digits;
    }
    if (digits > 0) {
      result += static_cast<char>(value & 0xffU);
      at += digits - 1;
    } else {
      const auto letter = kLetters.find(text[at]);
      result += letter == std::string_view::npos ? text[at] : kBytes[letter];
    }
  }
  return result;
}

}  // namespace

ExpansionFilter::ExpansionFilter(std::string_view allowed) : allowed_(without_escapes(allowed)) {}

std::string ExpansionFilter::filtered(std::string_view value) const {
  std::string text;
  for (const char c : value) {
    text += allowed_.contains(c) ? c : '_';
    if (text.back() == '$') text += '$';
  }
  return text;
}

}  // namespace restrictions
