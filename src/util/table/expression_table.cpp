#include "table/expression_table.h"

#include "base/text.h"
#include "logging/log.h"
#include "table/source_files.h"

namespace table {

// A line, taken apart: [if] [!] <delimiter>expression<delimiter>flags result
struct ExpressionTable::Statement {
  int line = 0;
  bool is_if = false;
  bool negated = false;
  std::string expression;
  std::string_view flags;
  std::string_view rest;
};

namespace {

// The word that begins a line, when it is one.
std::string_view leading_word(std::string_view text) {
  std::size_t size = 0;
  while (size < text.size() && base::is_alnum(text[size])) ++size;
  return text.substr(0, size);
}

// Where the delimiter stands again; a backslash shelters the byte after it.
std::size_t closing_delimiter(std::string_view text, char delimiter) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == delimiter) {
      return i;
    }
  }
  return std::string_view::npos;
}

// Fills negated, expression, flags and rest; the error is the whole reason.
template <typename Statement>
std::expected<void, std::string> parse_expression(std::string_view text, std::string_view open_end_verdict,
                                                  Statement& statement) {
  while (!text.empty() && (text.front() == '!' || base::is_blank(text.front()))) {
    if (text.front() == '!') statement.negated = !statement.negated;
    text.remove_prefix(1);
  }
  if (text.empty()) return std::unexpected("no regexp: skipping this rule");
  const char delimiter = text.front();
  text.remove_prefix(1);
  const std::size_t end = closing_delimiter(text, delimiter);
  if (end == std::string_view::npos) {
    return std::unexpected(fmt::format("no closing regexp delimiter \"{}\": {}", delimiter, open_end_verdict));
  }
  statement.expression = text.substr(0, end);
  text.remove_prefix(end + 1);
  std::size_t flags = 0;
  while (flags < text.size() && !base::is_blank(text[flags])) ++flags;
  statement.flags = text.substr(0, flags);
  statement.rest = base::trim(text.substr(flags));
  return {};
}

}  // namespace

ExpressionTable::ExpressionTable(std::string name, std::string label)
    : Table(std::move(name), KeyForm::pattern), label_(std::move(label)) {}

std::expected<std::unique_ptr<ExpressionTable>, Error> ExpressionTable::read(
    std::string name, RuleLines lines, std::unique_ptr<ExpressionLanguage> language, bool allow_substitution,
    bool values_are_files) {
  std::unique_ptr<ExpressionTable> table(new ExpressionTable(std::move(name), lines.label()));
  std::vector<RequiredText> required;
  while (true) {
    auto line = lines.next();
    if (!line) return std::unexpected(line.error());
    if (!*line) break;
    const std::string_view text = (*line)->text;
    std::string files;  // what statement.rest points to when values are files
    Statement statement;
    statement.line = (*line)->number;
    const std::string_view word = leading_word(text);
    const std::string_view after_word = text.substr(word.size());
    if (base::equals_folded(word, "endif")) {
      if (table->open_ifs_.empty()) {
        lines.warn(statement.line, "ignoring ENDIF without matching IF");
        continue;
      }
      if (!base::trim(after_word).empty()) lines.warn(statement.line, "ignoring extra text after ENDIF");
      table->rules_[table->open_ifs_.back()].after = table->rules_.size();
      table->open_ifs_.pop_back();
      continue;
    }
    statement.is_if = base::equals_folded(word, "if");
    if (!word.empty() && !statement.is_if) {
      lines.warn(statement.line, "ignoring unrecognized request");
      continue;
    }
    const auto parsed = parse_expression(after_word, language->open_end_verdict(), statement);
    if (!parsed) {
      lines.warn(statement.line, parsed.error());
      continue;
    }
    if (!statement.is_if && values_are_files) {
      auto content = encode_files(statement.rest);
      if (!content) {
        lines.warn(statement.line, content.error().text + ": skipping this rule");
        continue;
      }
      files = std::move(*content);
      statement.rest = files;
    }
    table->add(statement, lines, *language, allow_substitution, required);
  }
  for (; !table->open_ifs_.empty(); table->open_ifs_.pop_back()) {
    Rule& rule = table->rules_[table->open_ifs_.back()];
    rule.after = table->rules_.size();
    lines.warn(rule.line, "IF has no matching ENDIF");
  }
  table->filter_.build(required);
  return table;
}

void ExpressionTable::add(const Statement& statement, const RuleLines& lines, ExpressionLanguage& language,
                          bool allow_substitution, std::vector<RequiredText>& required) {
  const auto warn = [&](std::string_view problem) { lines.warn(statement.line, problem); };
  Rule rule;
  rule.line = statement.line;
  rule.is_if = statement.is_if;
  rule.negated = statement.negated;
  if (!statement.is_if) {
    auto result = Replacement::parse(statement.rest);
    if (!result) {
      if (result.error().general) {
        logging::warning("table.rule", "{problem}", {{"problem", result.error().text}, {"map", label_}});
      } else {
        warn(result.error().text);
      }
      return warn("bad replacement syntax: skipping this rule");
    }
    rule.result = std::move(*result);
    if (rule.result.highest_group() > 0) {
      if (statement.negated) return warn("$number found in negative match replacement text: skipping this rule");
      if (!allow_substitution) return warn("regular expression substitution is not allowed: skipping this rule");
    }
  }
  auto compiled = language.compile(statement.expression, statement.flags, rule.result.highest_group(), warn);
  if (!compiled) return warn(compiled.error());
  if (rule.result.highest_group() > compiled->expression->group_count()) {
    return warn(fmt::format("out of range replacement index \"{}\": skipping this rule", rule.result.highest_group()));
  }
  if (statement.is_if) {
    if (!statement.rest.empty()) {
      warn(fmt::format("ignoring extra text after IF statement: \"{}\"", statement.rest));
      warn("do not prepend whitespace to statements between IF and ENDIF");
    }
    open_ifs_.push_back(rules_.size());
  } else if (statement.rest.empty()) {
    warn("no replacement text: using empty string");
  }
  rule.expression = std::move(compiled->expression);
  // Only a rule that says something when it matches may be passed over when it cannot match.
  required.push_back(rule.is_if || rule.negated ? RequiredText{} : std::move(compiled->required));
  groups_.resize(std::max(groups_.size(), static_cast<std::size_t>(rule.result.highest_group()) + 1));
  rules_.push_back(std::move(rule));
}

// Whether the rule says something about the key. A rule that cannot be evaluated (limits) says nothing, negated or not.
bool ExpressionTable::applies(const Rule& rule, const std::string& key, std::span<Group> groups) const {
  const auto matched = rule.expression->match(key, groups);
  if (!matched) {
    warn_of_rule(label_, rule.line, matched.error());
    return false;
  }
  return *matched != rule.negated;
}

// `next` gives the first rule at or after an index that is worth trying.
template <typename Next>
Answer ExpressionTable::search(std::string_view key, Next next) {
  subject_ = key;
  for (std::size_t i = next(0); i < rules_.size();) {
    const Rule& rule = rules_[i];
    const std::size_t wanted =
        rule.result.highest_group() > 0 ? static_cast<std::size_t>(rule.result.highest_group()) + 1 : 0;
    const std::span<Group> groups(groups_.data(), wanted);
    std::ranges::fill(groups, Group{});
    const bool yes = applies(rule, subject_, groups);
    if (yes && !rule.is_if) return rule.result.fill(subject_, groups);
    i = next(rule.is_if && !yes ? rule.after : i + 1);
  }
  return std::nullopt;
}

Answer ExpressionTable::lookup(std::string_view key) {
  filter_.scan(key);
  return search(key, [this](std::size_t rule) { return filter_.next(rule); });
}

Answer ExpressionTable::lookup_without_filter(std::string_view key) {
  return search(key, [](std::size_t rule) { return rule; });
}

}  // namespace table
