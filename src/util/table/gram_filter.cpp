#include "table/gram_filter.h"

#include <bit>
#include <unordered_map>

#include "base/text.h"

namespace table {

namespace {

constexpr std::size_t kLongestGram = 4;

std::uint8_t lowered(char c) {
  return static_cast<std::uint8_t>(base::to_lower(c));
}

std::uint32_t gram_at(std::string_view text, std::size_t start, std::size_t length) {
  std::uint32_t gram = 0;
  for (std::size_t i = 0; i < length; ++i) gram = gram << 8 | lowered(text[start + i]);
  return gram;
}

std::size_t hash_of(std::uint32_t gram, std::uint8_t length) {
  return static_cast<std::size_t>(((std::uint64_t{gram} << 3 | length) * 0x9E3779B97F4A7C15U) >> 32);
}

}  // namespace

void GramFilter::build(std::span<const RequiredText> rules) {
  rule_count_ = rules.size();
  filtered_count_ = 0;
  always_.assign((rule_count_ + 63) / 64, 0);
  candidates_ = always_;
  const auto id_of = [](std::uint32_t gram, std::size_t length) { return std::uint64_t{gram} << 3 | length; };

  std::unordered_map<std::uint64_t, std::uint32_t> uses;
  const auto for_each_gram = [](std::string_view text, const auto& use) {
    const std::size_t length = std::min(text.size(), kLongestGram);
    for (std::size_t start = 0; start + length <= text.size(); ++start) use(gram_at(text, start, length), length);
  };
  for (const RequiredText& texts : rules) {
    for (const std::string& text : texts) {
      for_each_gram(text, [&](std::uint32_t gram, std::size_t length) { ++uses[id_of(gram, length)]; });
    }
  }

  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> filed;
  for (std::size_t rule = 0; rule < rule_count_; ++rule) {
    if (rules[rule].empty()) {
      always_[rule / 64] |= std::uint64_t{1} << (rule % 64);
      continue;
    }
    ++filtered_count_;
    for (const std::string& text : rules[rule]) {
      std::uint64_t rarest = 0;
      std::uint32_t fewest = UINT32_MAX;
      for_each_gram(text, [&](std::uint32_t gram, std::size_t length) {
        const std::uint32_t count = uses[id_of(gram, length)];
        if (count < fewest) {
          fewest = count;
          rarest = id_of(gram, length);
        }
      });
      auto& members = filed[rarest];
      if (members.empty() || members.back() != rule) members.push_back(static_cast<std::uint32_t>(rule));
    }
  }

  slots_.assign(std::bit_ceil(std::max<std::size_t>(filed.size() * 4, 16)), {});
  members_.clear();
  for (bool& length : lengths_) length = false;
  for (const auto& [id, members] : filed) {
    const auto length = static_cast<std::uint8_t>(id & 7);
    const auto gram = static_cast<std::uint32_t>(id >> 3);
    Slot* slot = find(gram, length);
    *slot = {gram, static_cast<std::uint32_t>(members_.size()), static_cast<std::uint32_t>(members.size()), 0, length};
    members_.insert(members_.end(), members.begin(), members.end());
    lengths_[length] = true;
  }
}

// The slot of the gram, or the empty one where it would be.
GramFilter::Slot* GramFilter::find(std::uint32_t gram, std::uint8_t length) {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash_of(gram, length) & mask;; at = (at + 1) & mask) {
    Slot& slot = slots_[at];
    if (slot.count == 0 || (slot.gram == gram && slot.length == length)) return &slot;
  }
}

void GramFilter::scan(std::string_view subject) {
  candidates_ = always_;
  if (filtered_count_ == 0) return;
  if (++scans_ == 0) {
    for (Slot& slot : slots_) slot.seen_in = 0;
    scans_ = 1;
  }
  std::uint32_t last = 0;  // the four bytes up to here
  for (std::size_t i = 0; i < subject.size(); ++i) {
    last = last << 8 | lowered(subject[i]);
    for (std::uint8_t length = 1; length <= kLongestGram; ++length) {
      if (!lengths_[length] || i + 1 < length) continue;
      const std::uint32_t gram = length == kLongestGram ? last : last & ((std::uint32_t{1} << (8 * length)) - 1);
      Slot* slot = find(gram, length);
      if (slot->count == 0 || slot->seen_in == scans_) continue;
      slot->seen_in = scans_;
      for (std::uint32_t k = 0; k < slot->count; ++k) {
        const std::uint32_t rule = members_[slot->first + k];
        candidates_[rule / 64] |= std::uint64_t{1} << (rule % 64);
      }
    }
  }
}

std::size_t GramFilter::next(std::size_t rule) const {
  if (rule >= rule_count_) return rule_count_;
  std::size_t word = rule / 64;
  std::uint64_t bits = candidates_[word] & (~std::uint64_t{0} << (rule % 64));
  while (bits == 0) {
    if (++word == candidates_.size()) return rule_count_;
    bits = candidates_[word];
  }
  return word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
}

}  // namespace table
