#pragma once
// The counts of all ranges (a client or an account, as one service sees it). No clock and no sockets: time is a
// parameter.

#include <cstddef>
#include <list>
#include <map>
#include <string>
#include <string_view>

#include "anvil/peaks.h"
#include "client/anvil_client.h"
#include "io/wait.h"

namespace anvil {

class Tallies {
 public:
  using Time = io::Clock::time_point;

  // Rates are counted over windows of `time_unit`, each of which begins with a range's first event. A range without
  // connections is forgotten after its window; when there are `most` of them, the one that was quiet for longest makes
  // way. Ranges with connections stay; beyond `most` of those, further ones are answered but not remembered.
  Tallies(io::Clock::duration time_unit, std::size_t most) : time_unit_(time_unit), most_(most) {}

  // Counts above the largest int stay there; `by` below 1 counts nothing.
  client::AnvilCounts count(std::string_view range, client::AnvilEvent event, int by, Time now);

  void forget_old(Time now);
  std::size_t size() const { return ranges_.size(); }
  Peaks& peaks() { return peaks_; }

 private:
  struct Range {
    client::AnvilCounts counts;
    Time window_start;
    std::list<std::string_view>::iterator place;  // in quiet_; its end while there are connections
  };
  using Ranges = std::map<std::string, Range, std::less<>>;  // clients choose the names: no hashing
  Range* find_or_add(std::string_view name, Time now);
  void remove(Ranges::iterator range);

  io::Clock::duration time_unit_;
  std::size_t most_;
  Ranges ranges_;
  std::list<std::string_view> quiet_;  // ranges without connections, the one that was quiet for longest first
  Peaks peaks_;
};

}  // namespace anvil
