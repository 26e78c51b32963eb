#include "anvil/tallies.h"

#include <limits>

namespace anvil {

namespace {

void add(int& count, int by) {
  count = by > std::numeric_limits<int>::max() - count ? std::numeric_limits<int>::max() : count + by;
}

}  // namespace

client::AnvilCounts Tallies::count(std::string_view name, client::AnvilEvent event, int by, Time now) {
  using client::AnvilEvent;
  if (by < 1) by = 0;
  forget_old(now);
  const auto known = ranges_.find(name);
  if (known == ranges_.end() && (event == AnvilEvent::disconnect || event == AnvilEvent::look)) return {};

  Range* range = find_or_add(name, now);
  Range passing{};  // no room: counted as the first of its kind
  Range& counted = range != nullptr ? *range : passing;
  client::AnvilCounts& counts = counted.counts;
  if (range != nullptr && now - range->window_start >= time_unit_) {
    const int connections = counts.connections;
    counts = {};
    counts.connections = connections;
    range->window_start = now;
  }
  switch (event) {
    case AnvilEvent::connect:
      add(counts.connections, by);
      add(counts.connection_rate, by);
      peaks_.note(Peak::connection_rate, counts.connection_rate, name);
      peaks_.note(Peak::connection_count, counts.connections, name);
      break;
    case AnvilEvent::held:
      add(counts.connections, by);
      break;
    case AnvilEvent::disconnect:
      counts.connections = by >= counts.connections ? 0 : counts.connections - by;
      break;
    case AnvilEvent::message:
      add(counts.messages, by);
      peaks_.note(Peak::message_rate, counts.messages, name);
      break;
    case AnvilEvent::recipient:
      add(counts.recipients, by);
      peaks_.note(Peak::recipient_rate, counts.recipients, name);
      break;
    case AnvilEvent::new_tls:
      add(counts.new_tls, by);
      peaks_.note(Peak::new_tls_rate, counts.new_tls, name);
      break;
    case AnvilEvent::auth:
      add(counts.auths, by);
      peaks_.note(Peak::auth_rate, counts.auths, name);
      break;
    case AnvilEvent::look:
      break;
  }
  if (range != nullptr) {
    // The list is in the order of last events; looking is none.
    if (counts.connections > 0) {
      if (range->place != quiet_.end()) quiet_.erase(std::exchange(range->place, quiet_.end()));
    } else if (range->place == quiet_.end()) {
      range->place = quiet_.insert(quiet_.end(), ranges_.find(name)->first);
    } else if (event != AnvilEvent::look) {
      quiet_.splice(quiet_.end(), quiet_, range->place);
    }
  }
  return counts;
}

// A range that is quiet goes when its window is over. Windows of busier ranges may end before those of the ones in
// front of them, by less than a time unit: they are found when those have gone.
void Tallies::forget_old(Time now) {
  while (!quiet_.empty()) {
    const auto range = ranges_.find(quiet_.front());
    if (now - range->second.window_start < time_unit_) return;
    remove(range);
  }
}

Tallies::Range* Tallies::find_or_add(std::string_view name, Time now) {
  if (const auto found = ranges_.find(name); found != ranges_.end()) return &found->second;
  if (ranges_.size() >= most_) {
    if (quiet_.empty()) return nullptr;
    remove(ranges_.find(quiet_.front()));
  }
  Range& added = ranges_.emplace(std::string(name), Range{{}, now, quiet_.end()}).first->second;
  peaks_.note_size(ranges_.size());
  return &added;
}

void Tallies::remove(Ranges::iterator range) {
  if (range->second.place != quiet_.end()) quiet_.erase(range->second.place);
  ranges_.erase(range);
}

}  // namespace anvil
