#pragma once
// Inside the library: tables of networks, `network/bits result` a line, with negation and nested if/endif.

#include <memory>
#include <string>
#include <vector>

#include "table/network_index.h"
#include "table/rule_lines.h"
#include "table/table.h"

namespace table {

class CidrTable final : public Table {
 public:
  // Takes the rules that can be used and warns of the others. The error is that of reading.
  // `values_are_files`: as in Options.
  static std::expected<std::unique_ptr<CidrTable>, Error> read(std::string name, RuleLines lines,
                                                               bool values_are_files = false);

  Answer lookup(std::string_view key) override;
  // Tries each rule in turn; a test holds it and lookup() together.
  Answer lookup_without_index(std::string_view key) const;

  std::size_t rule_count() const { return rules_.size(); }

 private:
  struct Rule {
    int line;
    bool is_if;
    bool negated;
    IpNetwork network;
    std::string result;
    std::size_t after = 0;    // of an if: the rule to go on with when its block is passed over
    std::size_t run_end = 0;  // of the first in a run of plain rules: the rule after the run
    std::size_t run = 0;      // ... and the index of the run
    bool applies(const IpAddress& address) const;
    bool is_plain() const { return !is_if && !negated; }
  };

  explicit CidrTable(std::string name) : Table(std::move(name), KeyForm::pattern) {}
  void index_runs();

  std::vector<Rule> rules_;
  std::vector<NetworkIndex> runs_;
};

}  // namespace table
