#pragma once
// What the observers of the mail system's decisions hear, kept in order.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "restrictions/observer.h"

namespace postexplain {

struct Step {
  // Restrictions nest: what stands between asked and judged belongs to the restriction.
  enum class Kind { rewrite, lookup, list, decision, entered, asked, judged, left };
  Kind kind;
  std::string name;     // rule, parameter, what is decided; list of restrictions, restriction
  std::string subject;  // address before, key, what a list is asked for
  std::string result;   // address after, value, verdict
  bool found = false;   // lookup, list
  std::string table;    // lookup: which of the parameter's tables has it
  std::string because;  // decision: the parameter; judged: the reply, or what is told in the log
};

class Trace final : public restrictions::Observer {
 public:
  explicit Trace(std::vector<Step>& steps) : steps_(steps) {}
  void rewrote(std::string_view rule, std::string_view before, std::string_view after) override;
  void looked_up(std::string_view parameter, std::string_view key, const std::string* result) override;
  void decided(std::string_view what, std::string_view verdict, std::string_view because) override;
  void found_in(std::string_view table) override { table_ = table; }
  void listed(std::string_view parameter, std::string_view what, bool is_listed) override;
  void entered(std::string_view list, std::string_view origin) override;
  void asked(std::string_view restriction, std::string_view origin) override;
  void judged(std::string_view restriction, std::string_view verdict, std::string_view reply) override;
  void left(std::string_view list, std::string_view verdict) override;

 private:
  void add(Step::Kind kind, std::string_view name, std::string_view subject, std::string_view result,
           std::string_view because = {});

  std::vector<Step>& steps_;
  std::string table_;
};

// The last decision about it; null: none.
const Step* last_decision(const std::vector<Step>& steps, std::string_view what);

}  // namespace postexplain
