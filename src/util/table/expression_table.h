#pragma once
// Inside the library: tables of expressions, `/expression/flags result` a line, with negation and nested if/endif. What
// an expression is, regexp.cpp and pcre.cpp know.

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "table/gram_filter.h"
#include "table/replacement.h"
#include "table/required_text.h"
#include "table/rule_lines.h"
#include "table/table.h"

namespace table {

// A compiled expression.
class Expression {
 public:
  virtual ~Expression() = default;
  // Whether the subject matches. Fills groups, [0] being the whole match, as far as there is
  // room. The error is the library's.
  virtual std::expected<bool, std::string> match(const std::string& subject, std::span<Group> groups) = 0;
  virtual int group_count() const = 0;
};

// A language of expressions.
class ExpressionLanguage {
 public:
  virtual ~ExpressionLanguage() = default;
  // What the type's messages say of a line without an end: "skipping this rule".
  virtual std::string_view open_end_verdict() const = 0;

  struct Compiled {
    std::unique_ptr<Expression> expression;
    RequiredText required;  // what each match contains
  };
  // `groups`: the highest group that the caller wants to know of (0: only whether it matches). Calls remark with what
  // is odd but no error. An error is the whole reason.
  virtual std::expected<Compiled, std::string> compile(const std::string& pattern, std::string_view flags, int groups,
                                                       const std::function<void(std::string_view)>& remark) = 0;
};

class ExpressionTable final : public Table {
 public:
  // Takes the rules that can be used and warns of the others. The error is that of reading. `values_are_files`: as in
  // Options.
  static std::expected<std::unique_ptr<ExpressionTable>, Error> read(std::string name, RuleLines lines,
                                                                     std::unique_ptr<ExpressionLanguage> language,
                                                                     bool allow_substitution,
                                                                     bool values_are_files = false);

  Answer lookup(std::string_view key) override;
  // Tries each rule in turn. lookup() does the same but skips the rules that cannot match; a test holds them together.
  Answer lookup_without_filter(std::string_view key);

  std::size_t rule_count() const { return rules_.size(); }
  std::size_t filtered_count() const { return filter_.filtered_count(); }

 private:
  struct Rule {
    int line = 0;
    bool is_if = false;
    bool negated = false;
    std::unique_ptr<Expression> expression;
    Replacement result;
    std::size_t after = 0;  // of an if: the rule to go on with when its block is passed over
  };
  struct Statement;  // a line, taken apart

  ExpressionTable(std::string name, std::string label);
  void add(const Statement& statement, const RuleLines& lines, ExpressionLanguage& language, bool allow_substitution,
           std::vector<RequiredText>& required);
  bool applies(const Rule& rule, const std::string& key, std::span<Group> groups) const;
  template <typename Next>
  Answer search(std::string_view key, Next next);

  std::string label_;
  std::vector<Rule> rules_;
  std::vector<std::size_t> open_ifs_;
  GramFilter filter_;
  std::vector<Group> groups_;
  std::string subject_;  // the key; regexec(3) may look for a NUL byte behind it
};

}  // namespace table
