#include "qmgr/scheduler/scheduler.h"

#include <algorithm>
#include <cassert>

namespace qmgr::scheduler {

Scheduler::Scheduler(const Settings& settings, SettingsOf settings_of)
    : settings_(settings), settings_of_(std::move(settings_of)) {}

Scheduler::~Scheduler() {
  for (const Condemned& condemned : condemned_) delete condemned.entry;
  for (Transport* transport : turns_) {
    for (auto& [key, destination] : transport->destinations) {
      for (auto* peers : {&destination->ready, &destination->waiting}) {
        while (Peer* peer = peers->front()) {
          while (Entry* entry = peer->entries.front()) {
            peer->entries.erase(*entry);
            delete entry;
          }
          peers->erase(*peer);
          delete peer;
        }
      }
    }
    while (Job* job = transport->order.front()) {
      transport->order.erase(*job);
      delete job;
    }
  }
}

void Scheduler::add(Message& message, Time now) {
  message.sequence = next_sequence_++;
  message.came = now;
  message.refilled = now;
  ++messages_;
}

void Scheduler::remove(Message& message) {
  assert(message.idle());
  set_unread(message, 0, message.came);
  while (Job* job = message.jobs) {
    message.jobs = job->next_of_message;
    Transport& transport = *job->transport;
    transport.order.erase(*job);
    if (transport.candidate == job || transport.candidate_for == job) {
      transport.candidate = transport.candidate_for = nullptr;
    }
    delete job;
  }
  --messages_;
}

Transport& Scheduler::transport_named(std::string_view name) {
  if (const auto found = transports_.find(std::string(name)); found != transports_.end()) return *found->second;
  auto transport = std::make_unique<Transport>();
  transport->name = name;
  transport->settings = settings_of_(name);
  if (transport->settings.transport_rate_delay > 0) transport->settings.capacity = 1;
  // Whole, or not there: any of this may find no memory.
  turns_.reserve(turns_.size() + 1);
  Transport& made = *transport;
  transports_.emplace(made.name, std::move(transport));
  turns_.push_back(&made);
  return made;
}

int Scheduler::recipients_per_delivery(std::string_view transport) {
  return transport_named(transport).settings.destination_recipient_limit;
}

const Transport* Scheduler::find_transport(std::string_view name) const {
  const auto found = transports_.find(std::string(name));
  return found == transports_.end() ? nullptr : found->second.get();
}

const Destination* Scheduler::find_destination(std::string_view transport, std::string_view key) const {
  const Transport* const owner = find_transport(transport);
  if (owner == nullptr) return nullptr;
  const auto found = owner->destinations.find(key);
  return found == owner->destinations.end() ? nullptr : found->second.get();
}

std::size_t Scheduler::destinations() const {
  std::size_t count = 0;
  for (const Transport* transport : turns_) count += transport->destinations.size();
  return count;
}

SharedSuspension Scheduler::suspension(std::string_view transport, std::string_view key) const {
  const Transport* const owner = find_transport(transport);
  if (owner == nullptr) return nullptr;
  if (owner->dead()) return owner->suspension;
  const auto found = owner->destinations.find(key);
  return found == owner->destinations.end() ? nullptr : found->second->suspension;
}

Destination& Scheduler::destination_at(Transport& transport, std::string_view key, std::string_view nexthop) {
  const auto found = transport.destinations.find(key);
  if (found != transport.destinations.end()) return *found->second;
  auto destination = std::make_unique<Destination>();
  destination->transport = &transport;
  destination->key = key;
  if (nexthop != key) destination->nexthop = nexthop;
  reset_window(*destination);
  const std::string_view kept_key = destination->key;
  return *transport.destinations.emplace(kept_key, std::move(destination)).first->second;
}

void Scheduler::discard_if_unused(Destination& destination) {
  if (destination.busy > 0 || destination.todo > 0 || destination.condemned > 0 || destination.timer != kNever) return;
  const auto found = destination.transport->destinations.find(destination.key);
  destination.transport->destinations.erase(found);
}

Job& Scheduler::job_of(Message& message, Transport& transport) {
  for (Job* job = message.jobs; job != nullptr; job = job->next_of_message) {
    if (job->transport == &transport) return *job;
  }
  Job* const job = new Job();
  job->message = &message;
  job->transport = &transport;
  job->next_of_message = message.jobs;
  message.jobs = job;
  // Nearly always the last; but a later batch of an old message may bring it to a transport that is new to it.
  Job* before = transport.order.back();
  while (before != nullptr && before->message->sequence > message.sequence) {
    before = transport.order.previous(*before);
  }
  transport.order.insert_after(before, *job);
  const Job* const behind = transport.order.next(*job);
  constexpr std::uint64_t kGap = std::uint64_t{1} << 32;
  if (behind == nullptr) {
    job->position = before == nullptr ? kGap : before->position + kGap;
  } else {
    const std::uint64_t low = before == nullptr ? 0 : before->position;
    job->position = low + (behind->position - low) / 2;
    if (job->position == low) renumber(transport);
  }
  if (message.unread > 0) transport.with_unread.insert(job);
  return *job;
}

Peer& Scheduler::peer_of(Job& job, Destination& destination) {
  // The recipients of one message come one after another, though at many destinations by turns.
  if (destination.last_peer != nullptr && destination.last_peer->job == &job) return *destination.last_peer;
  Peer* const peer = new Peer{&job, &destination, {}, {}, {}, false};
  make_waiting(*peer, false);
  destination.last_peer = peer;
  return *peer;
}

void Scheduler::assign(Message& message, std::string_view transport_name, std::string_view key,
                       std::string_view nexthop, std::string_view recipient, Time now) {
  Transport& transport = transport_named(transport_name);
  Destination& destination = destination_at(transport, key, nexthop);
  Job& job = job_of(message, transport);
  ++message.recipients;
  ++job.recipients;
  ++transport.recipients;
  ++recipients_;

  if (transport.dead() || destination.dead()) {
    Entry* const entry = new Entry{{}, &message, &job, &destination, {}};
    entry->recipients.push_back(recipient);
    ++message.entries;
    ++destination.condemned;
    condemned_.push_back({entry, transport.dead() ? transport.suspension : destination.suspension});
    return;
  }

  Peer& peer = peer_of(job, destination);
  Entry* entry = peer.entries.back();
  const int limit = transport.settings.destination_recipient_limit;
  if (entry == nullptr || (limit > 0 && entry->recipients.size() >= static_cast<std::uint32_t>(limit))) {
    entry = new Entry{{}, &message, &job, &destination, {}};
    peer.entries.push_back(*entry);
    ++message.entries;
    ++job.todo;
    ++destination.todo;
    note_clogging(destination, now);
  }
  entry->recipients.push_back(recipient);
  wake_peers(destination);
}

void Scheduler::note_clogging(Destination& destination, Time now) {
  const auto entries = destination.todo + static_cast<std::uint32_t>(destination.busy);
  if (settings_.clog_warn_time <= 0 || now < destination.next_warning) return;
  if (entries <= static_cast<std::uint32_t>(settings_.active_limit) / 5) return;
  destination.next_warning = now + settings_.clog_warn_time;
  const Transport& transport = *destination.transport;
  clogged_.push_back({transport.name, std::string(destination.next_hop()), entries, messages_, destination.busy,
                      transport.settings.concurrency_limit, transport.destinations.size() > 1});
}

void Scheduler::release(Entry& entry) {
  const std::uint32_t count = entry.recipients.size();
  Message& message = *entry.message;
  Transport& transport = *entry.job->transport;
  --message.entries;
  message.recipients -= count;
  entry.job->recipients -= count;
  transport.recipients -= count;
  recipients_ -= count;
  if (message.unread > 0) refill_checks_.insert(&message);
  if (!transport.with_unread.empty()) refill_checks_.insert((*transport.with_unread.begin())->message);
  delete &entry;
}

void Scheduler::finish(Entry& entry, Result result, const Suspension& why, Time now) {
  Destination& destination = *entry.destination;
  Transport& transport = *destination.transport;
  --destination.busy;
  --transport.busy;
  switch (result) {
    case Result::reached:
      praise(destination);
      break;
    case Result::failed:
      blame(destination, why, now);
      break;
    case Result::broken:
      break;
  }
  if (!destination.dead() && transport.settings.destination_rate_delay > 0) {
    set_timer(destination, now + transport.settings.destination_rate_delay);
  }
  if (!transport.dead() && transport.settings.transport_rate_delay > 0) {
    transport.timer = now + transport.settings.transport_rate_delay;
  }
  release(entry);
  wake_peers(destination);
  discard_if_unused(destination);
}

void Scheduler::finish_unreachable(Entry& entry, const Suspension& why, Time now) {
  Destination& destination = *entry.destination;
  Transport& transport = *destination.transport;
  --destination.busy;
  --transport.busy;
  ++destination.condemned;
  const auto suspension = std::make_shared<const Suspension>(why);
  transport.suspension = suspension;
  transport.timer = now + settings_.dead_transport_time;
  condemned_.push_back({&entry, suspension});
  for (auto& [key, other] : transport.destinations) condemn_all(*other, suspension);
}

std::optional<Scheduler::Condemned> Scheduler::next_condemned() {
  if (condemned_.empty()) return std::nullopt;
  Condemned condemned = std::move(condemned_.front());
  condemned_.pop_front();
  return condemned;
}

void Scheduler::finish_condemned(Entry& entry) {
  Destination& destination = *entry.destination;
  --destination.condemned;
  release(entry);
  discard_if_unused(destination);
}

}  // namespace qmgr::scheduler
