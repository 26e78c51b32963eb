#pragma once
// A line of the text that texthash reads and postmap makes indexed tables from: `key whitespace value`. A key may
// contain blanks within double quotes, which stay a part of it; a backslash shelters the byte after it.

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace table {

struct TextEntry {
  std::string_view key;
  std::string_view value;  // blanks at both ends removed, not empty
  bool looks_like_alias;   // the key ends in ':'
};

// How many bytes the word at the start of text has, up to one of `ends` outside of quotes and behind no backslash;
// nothing when the text ends within quotes.
std::optional<std::size_t> quoted_word_size(std::string_view text, std::string_view ends);

// The error is what Postfix says: expected format: key whitespace value; unbalanced '"' in '...'.
std::expected<TextEntry, std::string> parse_text_entry(std::string_view logical_line);

}  // namespace table
