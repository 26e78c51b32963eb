#pragma once
// A line of the text that texthash reads and postmap makes indexed tables from: `key whitespace value`. A key may
// contain blanks within double quotes, which stay a part of it; a backslash shelters the byte after it.

#include <expected>
#include <string>
#include <string_view>

namespace table {

struct TextEntry {
  std::string_view key;
  std::string_view value;  // blanks at both ends removed, not empty
  bool looks_like_alias;   // the key ends in ':'
};

// The error is what Postfix says: expected format: key whitespace value; unbalanced '"' in '...'.
std::expected<TextEntry, std::string> parse_text_entry(std::string_view logical_line);

}  // namespace table
