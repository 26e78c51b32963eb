#include "table/source.h"

#include "base/text.h"
#include "logging/log.h"
#include "table/text_entry.h"

namespace table {

namespace {
constexpr std::size_t kShownOfOrphan = 30;
}

Source::Source(int fd, std::string name, SourceSyntax syntax, bool utf8)
    : lines_(fd, std::move(name), base::kTableLineLimits), syntax_(syntax), utf8_(utf8) {}

Source::Source(std::string_view text, std::string name, SourceSyntax syntax, bool utf8)
    : lines_(text, std::move(name), base::kTableLineLimits), syntax_(syntax), utf8_(utf8) {}

bool Source::is_usable(const base::LogicalLine& line) const {
  if (base::is_blank(line.text.front())) {
    const bool cut = line.text.size() > kShownOfOrphan;
    logging::warning("table.source_orphan", "{file}: logical line must not start with whitespace: \"{text}{more}\"",
                     {{"file", name()},
                      {"text", std::string_view(line.text).substr(0, kShownOfOrphan)},
                      {"more", cut ? "..." : ""}});
    return false;
  }
  if (utf8_ && !base::is_valid_utf8(line.text)) {
    logging::warning("table.source_not_utf8", "{file}, line {line}: non-UTF-8 input \"{text}\" -- ignoring this line",
                     {{"file", name()}, {"line", line.first_line}, {"text", line.text}});
    return false;
  }
  return true;
}

std::expected<std::optional<SourceEntry>, base::Error> Source::next() {
  const auto warn = [&](int line, std::string_view text) {
    logging::warning("table.source_line", "{file}, line {line}: {problem}",
                     {{"file", name()}, {"line", line}, {"problem", text}});
  };
  while (true) {
    auto line = lines_.next();
    if (!line) return std::unexpected(line.error());
    if (!*line) return std::nullopt;
    if (!is_usable(**line)) continue;
    const int number = (*line)->first_line;
    if (syntax_ == SourceSyntax::map) {
      auto parsed = parse_text_entry((*line)->text);
      if (!parsed) {
        // The one that repeats the line also says what becomes of it.
        warn(number,
             parsed.error().starts_with("unbalanced") ? parsed.error() + " -- ignoring this line" : parsed.error());
        continue;
      }
      if (parsed->looks_like_alias) warn(number, "record is in \"key: value\" format; is this an alias file?");
      return SourceEntry{std::string(parsed->key), std::string(parsed->value), number};
    }
    auto parsed = parse_alias_line((*line)->text);
    if (!parsed) {
      warn(number, parsed.error());
      continue;
    }
    return SourceEntry{std::move(parsed->name), std::move(parsed->value), number};
  }
}

}  // namespace table
