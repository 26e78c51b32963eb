#pragma once
// Inside the library: the result of a regexp or pcre rule, with $1 ${1} $(1) for what matched and $$ for a dollar.

#include <cstddef>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace table {

// What a group matched, as offsets into the subject; both are kNoMatch when it took no part.
struct Group {
  static constexpr std::size_t kNoMatch = static_cast<std::size_t>(-1);
  std::size_t start = kNoMatch;
  std::size_t end = kNoMatch;
};

class Replacement {
 public:
  // What is wrong with the text, in the words that Postfix logs; `general` ones it logs without a place.
  struct Problem {
    std::string text;
    bool general;
  };
  static std::expected<Replacement, Problem> parse(std::string_view text);

  int highest_group() const { return highest_; }  // 0 when the text refers to none
  std::string fill(std::string_view subject, std::span<const Group> groups) const;

 private:
  struct Part {
    std::string text;
    int group;  // 0: the text itself
  };
  std::vector<Part> parts_;
  int highest_ = 0;
};

}  // namespace table
