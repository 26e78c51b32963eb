#include "base/text.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>

namespace base {

namespace {

template <typename Number>
std::optional<Number> to_number(std::string_view text) {
  Number number{};
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

// How many bytes of ASCII the text begins with. Nearly all text is nothing else, so eight at a time.
std::size_t ascii_prefix(std::string_view text) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  std::size_t size = 0;
  for (std::uint64_t eight = 0; text.size() - size >= sizeof eight; size += sizeof eight) {
    std::memcpy(&eight, text.data() + size, sizeof eight);
    if ((eight & kHighBits) != 0) break;
  }
  while (size < text.size() && static_cast<unsigned char>(text[size]) < 0x80) ++size;
  return size;
}

// The length of the well-formed UTF-8 sequence at the start of text, 0 when it is not one.
std::size_t utf8_sequence(std::string_view text) {
  auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  auto follows = [&](std::size_t i) { return i < text.size() && (at(i) & 0xC0) == 0x80; };
  const unsigned lead = at(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return follows(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (!follows(1) || !follows(2)) return 0;
    if (lead == 0xE0 && at(1) < 0xA0) return 0;  // overlong
    if (lead == 0xED && at(1) > 0x9F) return 0;  // surrogates
    return 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (!follows(1) || !follows(2) || !follows(3)) return 0;
    if (lead == 0xF0 && at(1) < 0x90) return 0;
    if (lead == 0xF4 && at(1) > 0x8F) return 0;
    return 4;
  }
  return 0;
}

// Well-formed characters that are commands to terminals (C1 controls), line ends to some readers (U+0085, U+2028,
// U+2029), or that make a line look like another one (bidirectional overrides and isolates).
bool is_unfit_character(std::string_view sequence) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(sequence[i]); };
  if (sequence.size() == 2) return at(0) == 0xC2 && at(1) < 0xA0;
  if (sequence.size() != 3 || at(0) != 0xE2) return false;
  return (at(1) == 0x80 && at(2) >= 0xA8 && at(2) <= 0xAE) || (at(1) == 0x81 && at(2) >= 0xA6 && at(2) <= 0xA9);
}

}  // namespace

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_digit);
}

bool is_ascii(std::string_view text) {
  return ascii_prefix(text) == text.size();
}

std::string_view trim_left(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  return text;
}

std::string_view trim_right(std::string_view text) {
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view trim(std::string_view text) {
  return trim_left(trim_right(text));
}

std::string lower(std::string_view text) {
  std::string folded(text);
  std::ranges::transform(folded, folded.begin(), to_lower);
  return folded;
}

bool equals_folded(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, to_lower, to_lower);
}

bool starts_with_folded(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && equals_folded(text.substr(0, prefix.size()), prefix);
}

std::optional<long> to_long(std::string_view text) {
  return to_number<long>(text);
}
std::optional<unsigned long> to_unsigned(std::string_view text) {
  return to_number<unsigned long>(text);
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> items;
  while (true) {
    const auto start = text.find_first_not_of(separators);
    if (start == std::string_view::npos) return items;
    text.remove_prefix(start);
    const auto end = std::min(text.find_first_of(separators), text.size());
    items.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

std::size_t balanced(std::string_view text, char open, char close) {
  std::size_t depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == open) ++depth;
    if (text[i] == close && depth > 0 && --depth == 0) return i + 1;
  }
  return 0;
}

std::vector<std::string_view> split_grouped(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> items;
  while (true) {
    const auto start = text.find_first_not_of(separators);
    if (start == std::string_view::npos) return items;
    text.remove_prefix(start);
    std::size_t depth = 0;
    std::size_t end = 0;
    for (; end < text.size(); ++end) {
      const char c = text[end];
      if (c == '{') ++depth;
      if (c == '}' && depth > 0) --depth;
      if (depth == 0 && separators.contains(c)) break;
    }
    items.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

std::string printable(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  while (!text.empty()) {
    std::size_t length = utf8_sequence(text);
    if (length == 1) {
      safe += is_printable(text[0]) ? text[0] : '?';
    } else if (length > 1 && !is_unfit_character(text.substr(0, length))) {
      safe.append(text.substr(0, length));
    } else {
      safe += '?';
      length = std::max<std::size_t>(length, 1);
    }
    text.remove_prefix(length);
  }
  return safe;
}

bool is_valid_utf8(std::string_view text) {
  while (true) {
    text.remove_prefix(ascii_prefix(text));
    if (text.empty()) return true;
    const std::size_t length = utf8_sequence(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
}

}  // namespace base
