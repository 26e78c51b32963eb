#include "table/rule_lines.h"

#include "base/file.h"
#include "base/text.h"
#include "logging/log.h"
#include "table/arguments.h"

namespace table {

namespace {

// The rules of "{ {rule}, {rule} }", a line each.
std::expected<std::string, std::string> inline_text(std::string_view argument) {
  const auto rules = group_content(argument);
  if (!rules) return std::unexpected(rules.error());
  std::string text;
  for (const std::string_view item : split_items(*rules)) {
    if (!item.starts_with('{')) return std::unexpected(fmt::format("no '{{' at start of text in \"{}\"", item));
    const auto rule = group_content(item);
    if (!rule) return std::unexpected(rule.error());
    text.append(*rule).append("\n");
  }
  return text;
}

}  // namespace

void warn_of_rule(std::string_view label, int line, std::string_view problem) {
  logging::warning("table.rule", "{map}, line {line}: {problem}",
                   {{"map", label}, {"line", line}, {"problem", problem}});
}

RuleLines::RuleLines(std::string_view type, std::string_view map_name)
    : label_(fmt::format("{} map {}", type, map_name)), map_name_(map_name) {}
RuleLines::RuleLines(RuleLines&&) noexcept = default;
RuleLines::~RuleLines() = default;

std::expected<RuleLines, Error> RuleLines::open(std::string_view type, const std::string& argument) {
  RuleLines lines(type, argument);
  if (argument.starts_with('{')) {
    auto text = inline_text(argument);
    if (!text) return std::unexpected(Error{fmt::format("{} map: {}", type, text.error()), true});
    lines.text_ = std::make_unique<std::string>(std::move(*text));
    lines.reader_ = std::make_unique<base::LogicalLineReader>(*lines.text_, lines.label_, base::kTableLineLimits);
  } else {
    auto fd = base::open_for_reading(argument);
    if (!fd) return std::unexpected(Error{fd.error().text});
    lines.fd_ = std::move(*fd);
    lines.reader_ = std::make_unique<base::LogicalLineReader>(lines.fd_.get(), lines.label_, base::kTableLineLimits);
  }
  return lines;
}

RuleLines RuleLines::of_text(std::string_view type, std::string_view text, std::string_view map_name) {
  RuleLines lines(type, map_name);
  lines.reader_ = std::make_unique<base::LogicalLineReader>(text, lines.label_, base::kTableLineLimits);
  return lines;
}

std::expected<std::optional<RuleLines::Line>, Error> RuleLines::next() {
  while (true) {
    auto line = reader_->next();
    if (!line) {
      std::string text = std::move(line.error().text);
      if (const std::string prefix = "read " + label_; text.starts_with(prefix)) {
        text = label_ + ": read error" + text.substr(prefix.size());
      }
      return std::unexpected(Error{std::move(text)});
    }
    if (!*line) return std::nullopt;
    base::LogicalLine& logical = **line;
    if (base::is_blank(logical.text.front())) {
      logging::warning("table.rule", "{file}, line {line}: logical line must not start with whitespace: \"{text}\"",
                       {{"file", map_name_}, {"line", logical.first_line}, {"text", logical.text}});
      continue;
    }
    logical.text.resize(base::trim_right(logical.text).size());
    return Line{std::move(logical.text), logical.first_line};
  }
}

void RuleLines::warn(int line, std::string_view problem) const {
  warn_of_rule(label_, line, problem);
}

}  // namespace table
