#pragma once
// Inside the library: many networks, and which of those that contain an address comes first. One probe of a hash table
// for each prefix length in use, however many networks there are.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "table/ip_network.h"

namespace table {

class NetworkIndex {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  // Of equal networks the one with the lowest number counts.
  void add(const IpNetwork& network, std::uint32_t number);
  // The lowest number of a network that contains the address; kNone when no one does.
  std::uint32_t lowest(const IpAddress& address) const;

 private:
  struct Slot {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    std::uint32_t number = kNone;  // kNone: an empty slot
    std::uint8_t length = 0;
    bool is_v6 = false;
  };
  struct Family {
    std::vector<int> lengths;                    // in use, in the order in which they came
    std::vector<std::uint32_t> first_of_length;  // the lowest number among the networks of each
  };
  std::size_t position(const IpAddress& masked_address, int length) const;
  void grow();

  std::vector<Slot> slots_;
  std::size_t used_ = 0;
  Family families_[2];
};

}  // namespace table
