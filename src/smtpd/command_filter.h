#pragma once
// smtpd_command_filter: a table over whole commands, for clients whose software is wrong.

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "smtpd/lists.h"

namespace smtpd {

class CommandFilter {
 public:
  // Opens the table.
  explicit CommandFilter(const Lists& lists);

  // What is to be taken for the command; nothing: the command itself. A table that cannot answer, or answers with more
  // than a command may have, is an error: what the client meant is not known then (421 4.3.0 ... Server local data
  // error).
  std::expected<std::optional<std::string>, table::Error> replacement(std::string_view command) const;

  bool empty() const { return tables_.empty(); }
  bool has_changed() const { return tables_.has_changed(); }

 private:
  table::TableList tables_;
  std::size_t longest_;
};

}  // namespace smtpd
