#pragma once
// Inside the library: the lines of a table of rules (regexp, pcre, cidr), from a file or from the table's own name.

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/logical_lines.h"
#include "table/table.h"

namespace table {

class RuleLines {
 public:
  // `argument` is the path of a file, or "{ {rule}, {rule} }": each rule is then a line. `type` stands in messages.
  static std::expected<RuleLines, Error> open(std::string_view type, const std::string& argument);
  // The text itself, for tests; it must outlive the object.
  static RuleLines of_text(std::string_view type, std::string_view text, std::string_view map_name);

  RuleLines(RuleLines&&) noexcept;
  ~RuleLines();

  struct Line {
    std::string text;
    int number;  // of its first physical line
  };
  // The next rule, nothing at the end. Lines that cannot be rules at all are warned of and left out; a file that cannot
  // be read to its end, or is no text, is an error with file and line.
  std::expected<std::optional<Line>, Error> next();

  // "pcre map /etc/postfix/x, line 3: <problem>"
  void warn(int line, std::string_view problem) const;
  // For warnings that come later, when the table is asked.
  const std::string& label() const { return label_; }  // "pcre map /etc/postfix/x"

 private:
  RuleLines(std::string_view type, std::string_view map_name);
  std::string label_;
  std::string map_name_;
  std::unique_ptr<std::string> text_;  // of an inline table; the reader points into it
  base::Fd fd_;
  std::unique_ptr<base::LogicalLineReader> reader_;
};

void warn_of_rule(std::string_view label, int line, std::string_view problem);

}  // namespace table
