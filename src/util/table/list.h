#pragma once
// A parameter's list of tables ("hash:/etc/postfix/a, proxy:mysql:..."): the first that has the key answers.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "table/open.h"
#include "table/table.h"

namespace table {

class TableList {
 public:
  // A table that cannot be opened stays in the list and answers each look-up with its open error, logged once: the mail
  // waits, the daemon lives. `parameter` names the list in messages.
  TableList(std::string_view parameter, std::string_view value, const Settings& settings, const Options& options);

  enum class Ask { all_tables, fixed_only };  // fixed_only: a partial key, which pattern tables never see
  Answer lookup(std::string_view key, Ask ask = Ask::all_tables) const;
  // For the few users to whom an empty result says something.
  Answer lookup_or_empty(std::string_view key) const;

  // Whether any of the tables is asked for such a key at all.
  bool asks(Ask ask) const;

  bool empty() const { return tables_.empty(); }
  bool has_changed() const;
  const std::string& parameter() const { return parameter_; }
  const std::string& last_table() const { return last_table_; }  // that answered, for "explain"

 private:
  Answer first_answer(std::string_view key, Ask ask) const;
  std::string parameter_;
  std::vector<std::shared_ptr<Table>> tables_;
  mutable std::string last_table_;
};

}  // namespace table
