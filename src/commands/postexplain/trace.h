#pragma once
// What the observers of the mail system's decisions hear, kept in order.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "routing/observer.h"

namespace postexplain {

struct Step {
  enum class Kind { rewrite, lookup, list, decision };
  Kind kind;
  std::string name;     // rule, parameter, or what is decided
  std::string subject;  // address before, key, what a list is asked for; empty for decisions
  std::string result;   // address after, value, verdict
  bool found = false;   // lookup, list
  std::string table;    // lookup: which of the parameter's tables has it
  std::string because;  // decision
};

class Trace final : public routing::Observer {
 public:
  explicit Trace(std::vector<Step>& steps) : steps_(steps) {}
  void rewrote(std::string_view rule, std::string_view before, std::string_view after) override;
  void looked_up(std::string_view parameter, std::string_view key, const std::string* result) override;
  void decided(std::string_view what, std::string_view verdict, std::string_view because) override;
  void found_in(std::string_view table) override { table_ = table; }
  void listed(std::string_view parameter, std::string_view what, bool is_listed) override;

 private:
  std::vector<Step>& steps_;
  std::string table_;
};

// The last decision about it; null: none.
const Step* last_decision(const std::vector<Step>& steps, std::string_view what);

}  // namespace postexplain
