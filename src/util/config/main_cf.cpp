#include "config/main_cf.h"

#include "base/file.h"
#include "base/logical_lines.h"
#include "base/text.h"

namespace config {

namespace {

std::string in_quotes(std::string_view text) {
  return "\"" + base::printable(text) + "\"";
}

// The parts around the first '=', or the clause that says what is missing, without the text.
std::expected<NameValue, std::string_view> split_at_equals(std::string_view text) {
  constexpr std::string_view kNoName = "missing attribute name";
  constexpr std::string_view kNoEquals = "missing '=' after attribute name";
  text = base::trim(text);
  std::size_t end = 0;
  while (end < text.size() && text[end] != '=' && !base::is_blank(text[end])) ++end;
  const std::string_view name = text.substr(0, end);
  const std::string_view rest = base::trim_left(text.substr(end));
  if (name.empty()) return std::unexpected(kNoName);
  if (!rest.starts_with('=')) return std::unexpected(kNoEquals);
  return NameValue{std::string(name), std::string(base::trim(rest.substr(1)))};
}

// A '#' in a value that looks as if a comment were meant.
bool has_comment(std::string_view value) {
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '#' && (i == 0 || base::is_blank(value[i - 1]))) return true;
  }
  return false;
}

std::expected<MainCf, base::Error> read_lines(base::LogicalLineReader& reader) {
  MainCf main_cf;
  bool is_orphan = false;
  reader.on_orphan = [&](int) { is_orphan = true; };
  while (true) {
    is_orphan = false;
    auto line = reader.next();
    if (!line) return std::unexpected(line.error());
    if (!*line) return main_cf;
    Origin where{reader.name(), (*line)->first_line};
    if (is_orphan) {
      main_cf.remarks.push_back({"config.orphan_continuation", where,
                                 "logical line must not start with whitespace: " + in_quotes((*line)->text)});
      continue;
    }
    auto setting = split_at_equals((*line)->text);
    if (!setting) {
      return std::unexpected(base::Error{where.text() + ": " + std::string(setting.error()) + ": " +
                                         in_quotes(base::trim((*line)->text))});
    }
    if (has_comment(setting->value)) {
      main_cf.remarks.push_back({"config.comment_after_text", where,
                                 "#comment after other text is not allowed: " + base::printable(setting->name) + " = " +
                                     base::printable(setting->value)});
    }
    auto [entry, is_new] = main_cf.settings.try_emplace(std::move(setting->name));
    if (!is_new) {
      main_cf.remarks.push_back(
          {"config.overridden", where,
           "overriding earlier entry: " + base::printable(entry->first) + "=" + base::printable(entry->second.value)});
    }
    entry->second = {std::move(setting->value), std::move(where)};
  }
}

}  // namespace

std::expected<MainCf, base::Error> read_main_cf(const std::string& path) {
  const auto fd = base::open_for_reading(path);
  if (!fd) return std::unexpected(fd.error());
  base::LogicalLineReader reader(fd->get(), path, base::kConfigLineLimits);
  return read_lines(reader);
}

std::expected<MainCf, base::Error> parse_main_cf(std::string_view text, const std::string& name_for_messages) {
  base::LogicalLineReader reader(text, name_for_messages, base::kConfigLineLimits);
  return read_lines(reader);
}

std::expected<NameValue, base::Error> split_name_value(std::string_view text) {
  auto parts = split_at_equals(text);
  if (!parts) return std::unexpected(base::Error{std::string(parts.error()) + ": " + in_quotes(base::trim(text))});
  return std::move(*parts);
}

std::expected<NameValue, base::Error> split_override(std::string_view word) {
  std::string_view inside = base::trim(word);
  auto wrong = [&](std::string_view why) {
    return std::unexpected(
        base::Error{"invalid parameter override: " + base::printable(word) + ": " + std::string(why)});
  };
  if (inside.starts_with('{')) {
    const std::size_t length = base::balanced(inside);
    if (length == 0) return wrong("missing '}'");
    if (length != inside.size()) return wrong("text after '}'");
    inside = inside.substr(1, length - 2);
  }
  auto parts = split_at_equals(inside);
  if (!parts) return wrong(parts.error());
  return std::move(*parts);
}

}  // namespace config
