#include "postexplain/trace.h"

#include <utility>

namespace postexplain {

using Kind = Step::Kind;

void Trace::rewrote(std::string_view rule, std::string_view before, std::string_view after) {
  steps_.push_back({.kind = Kind::rewrite,
                    .name = std::string(rule),
                    .subject = std::string(before),
                    .result = std::string(after),
                    .table = {},
                    .because = {}});
}

void Trace::looked_up(std::string_view parameter, std::string_view key, const std::string* result) {
  steps_.push_back({.kind = Kind::lookup,
                    .name = std::string(parameter),
                    .subject = std::string(key),
                    .result = result == nullptr ? std::string() : *result,
                    .found = result != nullptr,
                    .table = std::exchange(table_, {}),
                    .because = {}});
}

void Trace::decided(std::string_view what, std::string_view verdict, std::string_view because) {
  steps_.push_back({.kind = Kind::decision,
                    .name = std::string(what),
                    .subject = {},
                    .result = std::string(verdict),
                    .table = {},
                    .because = std::string(because)});
}

void Trace::listed(std::string_view parameter, std::string_view what, bool is_listed) {
  steps_.push_back({.kind = Kind::list,
                    .name = std::string(parameter),
                    .subject = std::string(what),
                    .result = {},
                    .found = is_listed,
                    .table = {},
                    .because = {}});
}

const Step* last_decision(const std::vector<Step>& steps, std::string_view what) {
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    if (step->kind == Kind::decision && step->name == what) return &*step;
  }
  return nullptr;
}

}  // namespace postexplain
