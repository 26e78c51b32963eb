// How many recipients may be in memory. A new message brings a few at least; beyond that the oldest message of each
// transport that has more of them in its file gets what room the transport has, and a message that overtakes others
// gets some that is kept for this. So a transport that does not move fills its own room only.

#include <algorithm>

#include "qmgr/scheduler/scheduler.h"

namespace qmgr::scheduler {

std::uint32_t Scheduler::first_batch() const {
  const std::int64_t room = std::int64_t{settings_.recipient_limit} - recipients_;
  return static_cast<std::uint32_t>(std::max<std::int64_t>(room, std::max(settings_.recipient_minimum, 1)));
}

void Scheduler::set_unread(Message& message, std::uint32_t unread, Time now) {
  message.unread = unread;
  message.reading = false;
  message.refilled = now;
  for (Job* job = message.jobs; job != nullptr; job = job->next_of_message) {
    Transport& transport = *job->transport;
    if (unread > 0) {
      transport.with_unread.insert(job);
      continue;
    }
    transport.with_unread.erase(job);
    transport.extra_lent -= job->extra_room;
    job->extra_room = 0;
    if (!transport.with_unread.empty()) refill_checks_.insert((*transport.with_unread.begin())->message);
  }
  if (unread > 0) {
    with_unread_.insert(&message);
    if (message.idle()) refill_checks_.insert(&message);
    next_refill_check_ = std::min(next_refill_check_, now + kSecond);
  } else {
    with_unread_.erase(&message);
    refill_checks_.erase(&message);
    if (with_unread_.empty()) next_refill_check_ = kNever;
  }
}

std::uint32_t Scheduler::room_of(const Message& message) const {
  std::int64_t room = std::max<std::int64_t>(0, std::int64_t{settings_.recipient_minimum} - message.recipients);
  for (const Job* job = message.jobs; job != nullptr; job = job->next_of_message) {
    const Transport& transport = *job->transport;
    if (!transport.with_unread.empty() && *transport.with_unread.begin() == job) {
      room += std::max<std::int64_t>(0, std::int64_t{transport.settings.recipient_limit} - transport.recipients);
    }
    room += std::max<std::int64_t>(0, std::int64_t{job->extra_room} - job->recipients);
  }
  return static_cast<std::uint32_t>(std::min<std::int64_t>(room, message.unread));
}

std::vector<Scheduler::Refill> Scheduler::refills(Time now) {
  std::vector<Refill> refills;
  const auto check = [&](Message* message) {
    if (message->reading) return;
    std::uint32_t room = room_of(*message);
    if (message->idle()) room = std::max<std::uint32_t>(room, 1);
    if (room == 0) return;
    int limit = 1;
    Time delay = 0;
    for (const Job* job = message->jobs; job != nullptr; job = job->next_of_message) {
      limit = std::max(limit, job->transport->settings.refill_limit);
      delay = std::max(delay, job->transport->settings.refill_delay);
    }
    const bool enough = room >= std::min(static_cast<std::uint32_t>(limit), message->unread);
    if (!enough && !message->idle() && now - message->refilled < delay) return;
    message->reading = true;
    refills.push_back({message, room});
  };
  if (now >= next_refill_check_) {
    for (Message* message : with_unread_) check(message);
    next_refill_check_ = with_unread_.empty() ? kNever : now + kSecond;
  } else {
    for (Message* message : refill_checks_) check(message);
  }
  refill_checks_.clear();
  return refills;
}

void Scheduler::lend_extra_room(Job& job) {
  Transport& transport = *job.transport;
  if (job.extra_room > 0) return;
  job.extra_room = std::max(0, (transport.settings.extra_recipient_limit - transport.extra_lent) / 2);
  transport.extra_lent += job.extra_room;
  refill_checks_.insert(job.message);
}

}  // namespace qmgr::scheduler
