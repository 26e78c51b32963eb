#pragma once
// Text without locale: ASCII classes, trimming, splitting, folding.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace base {

constexpr std::string_view kBlanks = " \t\n\v\f\r";
// Separators of lists in main.cf.
constexpr std::string_view kListSeparators = ", \t\r\n";

constexpr bool is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool is_alnum(char c) {
  return is_digit(c) || is_alpha(c);
}
constexpr bool is_printable(char c) {
  return c >= ' ' && c <= '~';
}
constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool all_digits(std::string_view text);  // and not empty
bool is_ascii(std::string_view text);

std::string_view trim(std::string_view text);
std::string_view trim_left(std::string_view text);
std::string_view trim_right(std::string_view text);

std::string lower(std::string_view text);  // ASCII letters only
bool equals_folded(std::string_view a, std::string_view b);
bool starts_with_folded(std::string_view text, std::string_view prefix);

// Decimal, whole text, no sign unless T is signed; nothing on junk or overflow.
std::optional<long> to_long(std::string_view text);
std::optional<unsigned long> to_unsigned(std::string_view text);

// Splits at any of the separators; empty items vanish.
std::vector<std::string_view> split(std::string_view text, std::string_view separators = kListSeparators);

// As split, but separators between `{` and its matching `}` separate nothing, wherever in an item the braces stand. The
// item keeps its braces. An unbalanced `{` takes the rest.
std::vector<std::string_view> split_grouped(std::string_view text, std::string_view separators = kListSeparators);

// The length of the balanced group at the start of text, which begins with `open`; 0 when it is unbalanced.
std::size_t balanced(std::string_view text, char open = '{', char close = '}');

// Text fit for a terminal or a log line: control bytes, bytes over 127 that are not valid UTF-8, and the Unicode
// characters that are controls, line ends or changes of direction become '?'.
std::string printable(std::string_view text);

bool is_valid_utf8(std::string_view text);

}  // namespace base
