#include "table/arguments.h"

#include "base/text.h"
#include "table/text_entry.h"

namespace table {

namespace {
constexpr std::string_view kAfterName = "= \t\n\v\f\r";
}

std::vector<std::string_view> split_items(std::string_view text) {
  std::vector<std::string_view> items;
  std::size_t start = 0;
  std::size_t depth = 0;
  const auto end_item = [&](std::size_t end) {
    if (end > start) items.push_back(text.substr(start, end - start));
    start = end + 1;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{') ++depth;
    if (text[i] == '}' && depth > 0) --depth;
    if (depth == 0 && base::kListSeparators.contains(text[i])) end_item(i);
  }
  end_item(text.size());
  return items;
}

std::optional<std::string_view> inside_braces(std::string_view text) {
  if (!text.starts_with('{') || base::balanced(text) != text.size()) return std::nullopt;
  return text.substr(1, text.size() - 2);
}

std::expected<std::string_view, std::string> group_content(std::string_view text) {
  const std::size_t size = base::balanced(text);
  if (size == 0) return std::unexpected(fmt::format("missing '}}' in \"{}\"", text));
  if (!base::trim(text.substr(size)).empty())
    return std::unexpected(fmt::format("syntax error after '}}' in \"{}\"", text));
  return base::trim(text.substr(1, size - 2));
}

std::expected<NameAndValue, std::string> name_and_value(std::string_view text) {
  if (text.empty()) return std::unexpected("no key found; expected format: key = value");
  const auto size = quoted_word_size(text, kAfterName);
  if (!size) return std::unexpected(fmt::format("unbalanced '\"' in '{}'", text));
  const std::string_view name = text.substr(0, *size);
  const std::string_view rest = base::trim_left(text.substr(name.size()));
  if (!rest.starts_with('=')) return std::unexpected("missing '=' after attribute name");
  return NameAndValue{name, base::trim(rest.substr(1))};
}

}  // namespace table
