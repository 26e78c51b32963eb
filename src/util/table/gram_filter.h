#pragma once
// Inside the library: which of many rules can match a subject at all, told in one pass over it. Each rule is filed
// under a few bytes that every subject it matches contains, the rarest among its rules; a rule without such is always
// tried.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "table/required_text.h"

namespace table {

class GramFilter {
 public:
  // One element a rule, in order: what its matches contain, empty for one that must always be tried.
  void build(std::span<const RequiredText> rules);

  std::size_t filtered_count() const { return filtered_count_; }

  // Notes the candidates for a subject, until the next call.
  void scan(std::string_view subject);
  // The first candidate at or after `rule`; the number of rules when there is none.
  std::size_t next(std::size_t rule) const;

 private:
  struct Slot {
    std::uint32_t gram = 0;
    std::uint32_t first = 0;    // into members_
    std::uint32_t count = 0;    // 0: an empty slot
    std::uint32_t seen_in = 0;  // the scan that has noted it
    std::uint8_t length = 0;
  };
  Slot* find(std::uint32_t gram, std::uint8_t length);

  std::size_t rule_count_ = 0;
  std::size_t filtered_count_ = 0;
  std::vector<Slot> slots_;  // open addressing; a power of two
  std::vector<std::uint32_t> members_;
  std::vector<std::uint64_t> always_;  // a bit a rule
  std::vector<std::uint64_t> candidates_;
  bool lengths_[5] = {};  // of the grams in use
  std::uint32_t scans_ = 0;
};

}  // namespace table
