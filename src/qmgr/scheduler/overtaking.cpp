// A message with few recipients may overtake one with many: for every `slot_cost` entries that a job got delivered it
// has earned a slot, and a job that needs no more slots than were earned goes first. Part of them may be borrowed.

#include <algorithm>

#include "qmgr/scheduler/scheduler.h"

namespace qmgr::scheduler {

namespace {

constexpr Time kCandidateLifetime = kSecond;

std::int64_t slots_needed(const Job& job) {
  return std::int64_t{job.todo} + job.message->unread;
}

}  // namespace

Job* Scheduler::overtaker(Transport& transport, Job& current, Time now) {
  const TransportSettings& settings = transport.settings;
  if (settings.slot_cost <= 0 || transport.ready.size() < 2) return nullptr;
  const std::int64_t cost = std::max(settings.slot_cost, 2);
  const std::int64_t all_slots = (std::int64_t{current.selected} + current.todo) / cost;
  if (all_slots < settings.minimum_slots) return nullptr;
  const std::int64_t at_most = all_slots - current.slots_used;
  if (at_most <= 0) return nullptr;

  const bool known = transport.candidate_for == &current && now - transport.candidate_time < kCandidateLifetime &&
                     (transport.candidate == nullptr || transport.ready.contains(transport.candidate));
  if (!known) {
    transport.candidate = best_candidate(transport, current, at_most, now);
    transport.candidate_for = &current;
    transport.candidate_time = now;
  }
  Job* const candidate = transport.candidate;
  if (candidate == nullptr) return nullptr;

  const std::int64_t needed = slots_needed(*candidate);
  const std::int64_t earned = current.selected / cost - current.slots_used;
  const std::int64_t lent = needed * settings.slot_discount / 100 + settings.slot_loan;
  if (needed > at_most || earned < 0 || earned < needed - lent) return nullptr;
  current.slots_used += static_cast<std::int32_t>(needed);
  put_before(transport, *candidate, current);
  transport.candidate = transport.candidate_for = nullptr;
  if (candidate->message->unread > 0) lend_extra_room(*candidate);
  return candidate;
}

// The longer a message waits for each of its recipients, the better.
Job* Scheduler::best_candidate(Transport& transport, const Job& current, std::int64_t slots, Time now) const {
  Job* best = nullptr;
  double best_wait = 0;
  for (Job* job : transport.ready) {
    if (job == &current) continue;
    const double wait = static_cast<double>(now - job->message->came) + 1;
    // Jobs that have not overtaken stand in the order of their coming: no later one can be better than this.
    if (best != nullptr && !job->overtook && wait <= best_wait) break;
    const std::int64_t needed = slots_needed(*job);
    if (needed > slots || needed <= 0) continue;
    const double wait_for_each = wait / static_cast<double>(needed);
    if (best != nullptr && wait_for_each <= best_wait) continue;
    best = job;
    best_wait = wait_for_each;
  }
  return best;
}

void Scheduler::put_before(Transport& transport, Job& job, Job& overtaken) {
  const bool was_ready = transport.ready.erase(&job) > 0;
  transport.order.erase(job);
  Job* before = transport.order.previous(overtaken);
  transport.order.insert_after(before, job);
  const std::uint64_t low = before == nullptr ? 0 : before->position;
  job.position = low + (overtaken.position - low) / 2;
  job.overtook = true;
  if (job.position == low) renumber(transport);
  if (was_ready) transport.ready.insert(&job);
}

// Positions grow apart again; their order stays, so `ready` stays sorted.
void Scheduler::renumber(Transport& transport) {
  std::uint64_t position = 0;
  for (Job* job = transport.order.front(); job != nullptr; job = transport.order.next(*job)) {
    position += std::uint64_t{1} << 32;
    job->position = position;
  }
}

}  // namespace qmgr::scheduler
