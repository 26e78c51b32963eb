#include "table/text_entry.h"

#include "base/text.h"

namespace table {

std::optional<std::size_t> quoted_word_size(std::string_view text, std::string_view ends) {
  bool quoted = false;
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (!quoted && ends.contains(text[i])) break;
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
  }
  if (quoted) return std::nullopt;
  return i;
}

std::expected<TextEntry, std::string> parse_text_entry(std::string_view logical_line) {
  const auto size = quoted_word_size(logical_line, base::kBlanks);
  if (!size) return std::unexpected(fmt::format("unbalanced '\"' in '{}'", logical_line));
  const std::string_view key = logical_line.substr(0, *size);
  const std::string_view value = base::trim(logical_line.substr(*size));
  if (key.empty() || value.empty()) return std::unexpected("expected format: key whitespace value");
  return TextEntry{key, value, key.ends_with(':')};
}

}  // namespace table
