#include "table/network_index.h"

#include <algorithm>

namespace table {

namespace {

std::uint64_t eight_bytes(const IpAddress& address, std::size_t start) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = value << 8 | address.bytes[start + i];
  return value;
}

std::size_t hash_of(std::uint64_t high, std::uint64_t low, int length) {
  std::uint64_t hash = (high ^ static_cast<std::uint64_t>(length)) * 0x9E3779B97F4A7C15U;
  hash = (hash ^ hash >> 29 ^ low) * 0xBF58476D1CE4E5B9U;
  return static_cast<std::size_t>(hash ^ hash >> 32);
}

}  // namespace

// The slot of the network, or the empty one where it would be.
std::size_t NetworkIndex::position(const IpAddress& masked_address, int length) const {
  const std::uint64_t high = eight_bytes(masked_address, 0);
  const std::uint64_t low = eight_bytes(masked_address, 8);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash_of(high, low, length) & mask;; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.number == kNone) return at;
    if (slot.high == high && slot.low == low && slot.length == length && slot.is_v6 == masked_address.is_v6) return at;
  }
}

void NetworkIndex::grow() {
  std::vector<Slot> old(std::max<std::size_t>(slots_.size() * 2, 16));
  old.swap(slots_);
  const std::size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.number == kNone) continue;
    std::size_t at = hash_of(slot.high, slot.low, slot.length) & mask;
    while (slots_[at].number != kNone) at = (at + 1) & mask;
    slots_[at] = slot;
  }
}

void NetworkIndex::add(const IpNetwork& network, std::uint32_t number) {
  if ((used_ + 1) * 2 > slots_.size()) grow();
  Slot& slot = slots_[position(network.address, network.length)];
  if (slot.number == kNone) {
    slot = {eight_bytes(network.address, 0), eight_bytes(network.address, 8), number,
            static_cast<std::uint8_t>(network.length), network.address.is_v6};
    ++used_;
  }
  slot.number = std::min(slot.number, number);
  Family& family = families_[network.address.is_v6];
  const auto known = std::ranges::find(family.lengths, network.length);
  if (known == family.lengths.end()) {
    family.lengths.push_back(network.length);
    family.first_of_length.push_back(number);
  } else {
    auto& first = family.first_of_length[static_cast<std::size_t>(known - family.lengths.begin())];
    first = std::min(first, number);
  }
}

std::uint32_t NetworkIndex::lowest(const IpAddress& address) const {
  const Family& family = families_[address.is_v6];
  std::uint32_t best = kNone;
  for (std::size_t i = 0; i < family.lengths.size(); ++i) {
    if (family.first_of_length[i] > best) continue;  // none of that length could come earlier
    const int length = family.lengths[i];
    best = std::min(best, slots_[position(masked(address, length), length)].number);
  }
  return best;
}

}  // namespace table
