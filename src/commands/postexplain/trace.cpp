#include "postexplain/trace.h"

#include <utility>

namespace postexplain {

using Kind = Step::Kind;

void Trace::add(Kind kind, std::string_view name, std::string_view subject, std::string_view result,
                std::string_view because) {
  steps_.push_back({.kind = kind,
                    .name = std::string(name),
                    .subject = std::string(subject),
                    .result = std::string(result),
                    .table = {},
                    .because = std::string(because)});
}

void Trace::rewrote(std::string_view rule, std::string_view before, std::string_view after) {
  add(Kind::rewrite, rule, before, after);
}

void Trace::looked_up(std::string_view parameter, std::string_view key, const std::string* result) {
  add(Kind::lookup, parameter, key, result == nullptr ? std::string_view() : *result);
  steps_.back().found = result != nullptr;
  steps_.back().table = std::exchange(table_, {});
}

void Trace::decided(std::string_view what, std::string_view verdict, std::string_view because) {
  add(Kind::decision, what, {}, verdict, because);
}

void Trace::listed(std::string_view parameter, std::string_view what, bool is_listed) {
  add(Kind::list, parameter, what, {});
  steps_.back().found = is_listed;
}

// Where they stand is known from their names, and better: with the line of master.cf that overrides them.
void Trace::entered(std::string_view list, std::string_view /*origin*/) {
  add(Kind::entered, list, {}, {});
}

void Trace::asked(std::string_view restriction, std::string_view /*origin*/) {
  add(Kind::asked, restriction, {}, {});
}

void Trace::judged(std::string_view restriction, std::string_view verdict, std::string_view reply) {
  add(Kind::judged, restriction, {}, verdict, reply);
}

void Trace::left(std::string_view list, std::string_view verdict) {
  add(Kind::left, list, {}, verdict);
}

const Step* last_decision(const std::vector<Step>& steps, std::string_view what) {
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    if (step->kind == Kind::decision && step->name == what) return &*step;
  }
  return nullptr;
}

}  // namespace postexplain
