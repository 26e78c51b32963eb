#pragma once
// `$name` and its family in a value. Pure: text and a look-up in, text or an error out.
//
//   $name  ${name}  $(name)      the value of name, itself expanded; nothing when it has none
//   ${name?text} ${name?{text}}  text when name's value is not empty      ${name:text} ${name:{text}}  when it is empty
//   ${name?{a}:{b}}              one or the other
//   ${{a} == {b} ? {x} : {y}}    == != < <= >= > by number when both are digits, else by text; `<=level` and its like
//   by
//                                compatibility level; without branches "true" or nothing (also `bool` results as
//                                Postfix does)
//   ${name{argument}}            a named function: domain_to_ascii
//   $$                           a dollar

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace config {

// The raw value of a name, nothing when it is not defined. The view must stay valid until the expansion has ended.
using RawLookup = std::function<std::optional<std::string_view>(std::string_view name)>;

struct ExpandLimits {
  int depth = 100;                      // of values within values; beyond it the reference is said to be recursive
  std::size_t bytes = 4 * 1024 * 1024;  // of the result and of all intermediate results
};

// Errors say what is wrong with which part of the text ("unreasonable macro call nesting: \"x\"", "missing }", ...),
// but not which parameter or file: the caller knows that.
std::expected<std::string, base::Error> expand(std::string_view text, const RawLookup& lookup,
                                               const ExpandLimits& limits = {});

// Calls `use` for each name that the text refers to, in tests, branches and arguments too. Malformed text ends it
// silently.
void for_each_reference(std::string_view text, const std::function<void(std::string_view name)>& use);

// Compatibility levels: "0", "2", "3.6", "3.11.0". -1, 0, 1 as a is before, the same as or after b; an error for what
// is none.
std::expected<int, base::Error> compare_levels(std::string_view a, std::string_view b);

}  // namespace config
