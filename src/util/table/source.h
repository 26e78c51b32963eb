#pragma once
// The text files that indexed tables are made from.
//
//   tables    key blanks value       a key may hold blanks inside "", where \ stands before " and \; the quotes are
//   part of the key aliases   name: value, value     as sendmail has it; quotes and \ around the parts of a name are
//   taken off
//
// A line that cannot be used is told of in a warning with file and line, and passed over.

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/logical_lines.h"

namespace table {

struct SourceEntry {
  std::string key;
  std::string value;
  int line = 0;  // the first of the entry
};

enum class SourceSyntax { map, alias };

class Source {
 public:
  // Reads from fd, which must outlive it. `name` stands in warnings and errors. With `utf8`, other text is not
  // accepted.
  Source(int fd, std::string name, SourceSyntax syntax, bool utf8);
  Source(std::string_view text, std::string name, SourceSyntax syntax, bool utf8);

  // The next entry; nothing at the end. Errors are those of base::LogicalLineReader.
  std::expected<std::optional<SourceEntry>, base::Error> next();

  const std::string& name() const { return lines_.name(); }

 private:
  bool is_usable(const base::LogicalLine& line) const;

  base::LogicalLineReader lines_;
  SourceSyntax syntax_;
  bool utf8_;
};

// The syntax of one logical line of an alias file. The error is what Postfix says: need name:value pair; name must be
// local. That of tables is in text_entry.h.
struct AliasLine {
  std::string name;
  std::string value;  // the parts of the right side, with one blank after each comma and between words
};
std::expected<AliasLine, std::string> parse_alias_line(std::string_view line);

}  // namespace table
