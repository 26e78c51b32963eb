// What deliveries teach about their destinations: how many in parallel, and when to give them up for a while.

#include <algorithm>
#include <limits>

#include "qmgr/scheduler/scheduler.h"

namespace qmgr::scheduler {

namespace {

int window_limit(const TransportSettings& settings) {
  if (settings.destination_rate_delay > 0) return 1;
  return settings.concurrency_limit > 0 ? settings.concurrency_limit : std::numeric_limits<int>::max();
}

}  // namespace

void Scheduler::reset_window(Destination& destination) {
  const TransportSettings& settings = destination.transport->settings;
  destination.window = std::min(std::max(settings.initial_concurrency, 1), window_limit(settings));
  destination.success = destination.failure = destination.failed_cohorts = 0;
}

void Scheduler::praise(Destination& destination) {
  const TransportSettings& settings = destination.transport->settings;
  if (destination.dead()) {
    revive(destination);
    return;
  }
  destination.failed_cohorts = 0;
  // A window far larger than what is used would delay the effect of failures. This delivery was in progress until now.
  const std::int64_t busy = destination.busy + 1;
  if (destination.window >= busy + settings.initial_concurrency) return;
  destination.success += settings.positive.at(destination.window);
  while (destination.success >= 1) {
    ++destination.window;
    destination.failure = 0;
    destination.success -= 1;
  }
  destination.window = std::min(destination.window, window_limit(settings));
}

void Scheduler::blame(Destination& destination, const Suspension& why, Time now) {
  if (destination.dead()) return;
  const TransportSettings& settings = destination.transport->settings;
  destination.failed_cohorts += 1.0 / destination.window;
  // The sum of so many equal parts may miss the whole number by its last bits.
  constexpr double kRounding = 1e-9;
  if (settings.failed_cohort_limit > 0 && destination.failed_cohorts >= settings.failed_cohort_limit - kRounding) {
    // Only so many of the dead are remembered.
    if (dead_ >= static_cast<std::size_t>(std::max(settings_.recipient_limit, 1))) {
      const auto oldest =
          std::find_if(timers_.begin(), timers_.end(), [](const auto& timer) { return timer.second->dead(); });
      if (oldest != timers_.end()) {
        Destination& forgotten = *oldest->second;
        revive(forgotten);
        discard_if_unused(forgotten);
      }
    }
    ++dead_;
    destination.suspension = std::make_shared<const Suspension>(why);
    set_timer(destination, now + settings_.dead_destination_time);
    condemn_all(destination, destination.suspension);
    return;
  }
  destination.failure -= settings.negative.at(destination.window);
  while (destination.failure < 0) {
    --destination.window;
    destination.failure += 1;
    destination.success = 0;
  }
  destination.window = std::max(destination.window, 1);
}

void Scheduler::condemn_all(Destination& destination, const SharedSuspension& why) {
  for (auto* peers : {&destination.ready, &destination.waiting}) {
    while (Peer* peer = peers->front()) {
      while (Entry* entry = peer->entries.front()) {
        peer->entries.erase(*entry);
        --peer->job->todo;
        --destination.todo;
        ++destination.condemned;
        condemned_.push_back({entry, why});
      }
      discard_peer(*peer);
    }
  }
}

void Scheduler::set_timer(Destination& destination, Time time) {
  if (destination.timer != kNever) timers_.erase({destination.timer, &destination});
  destination.timer = time;
  if (time != kNever) timers_.insert({time, &destination});
}

void Scheduler::revive(Destination& destination) {
  if (destination.dead()) {
    --dead_;
    destination.suspension.reset();
    reset_window(destination);
  }
  set_timer(destination, kNever);
  wake_peers(destination);
}

void Scheduler::advance(Time now) {
  while (!timers_.empty() && timers_.begin()->first <= now) {
    Destination& destination = *timers_.begin()->second;
    revive(destination);
    discard_if_unused(destination);
  }
  for (Transport* transport : turns_) {
    if (transport->timer > now) continue;
    transport->timer = kNever;
    transport->suspension.reset();
  }
}

Time Scheduler::next_event(Time now) const {
  Time next = timers_.empty() ? kNever : timers_.begin()->first;
  for (const Transport* transport : turns_) next = std::min(next, transport->timer);
  if (!refill_checks_.empty()) return now;
  return std::min(next, next_refill_check_);
}

void Scheduler::forget_dead() {
  for (Transport* transport : turns_) {
    if (transport->dead()) {
      transport->suspension.reset();
      transport->timer = kNever;
    }
    for (auto at = transport->destinations.begin(); at != transport->destinations.end();) {
      Destination& destination = *at++->second;
      if (!destination.dead()) continue;
      revive(destination);
      discard_if_unused(destination);
    }
  }
}

void Scheduler::forgive(std::string_view transport, std::string_view key) {
  const auto owner = transports_.find(std::string(transport));
  if (owner == transports_.end()) return;
  if (owner->second->dead()) {
    owner->second->suspension.reset();
    owner->second->timer = kNever;
  }
  const auto found = owner->second->destinations.find(key);
  if (found == owner->second->destinations.end() || !found->second->dead()) return;
  revive(*found->second);
  discard_if_unused(*found->second);
}

}  // namespace qmgr::scheduler
