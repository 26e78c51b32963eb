#include "table/text_entry.h"

#include "base/text.h"

namespace table {

namespace {

// npos: the text ends within quotes.
std::size_t key_size(std::string_view text) {
  bool quoted = false;
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (!quoted && base::is_blank(text[i])) break;
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
  }
  return quoted ? std::string_view::npos : i;
}

}  // namespace

std::expected<TextEntry, std::string> parse_text_entry(std::string_view logical_line) {
  const std::size_t size = key_size(logical_line);
  if (size == std::string_view::npos) return std::unexpected(fmt::format("unbalanced '\"' in '{}'", logical_line));
  const std::string_view key = logical_line.substr(0, size);
  const std::string_view value = base::trim(logical_line.substr(size));
  if (key.empty() || value.empty()) return std::unexpected("expected format: key whitespace value");
  return TextEntry{key, value, key.ends_with(':')};
}

}  // namespace table
