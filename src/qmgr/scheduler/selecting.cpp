// Which entry is next: the transports take turns; in a transport the first job that can, unless it is overtaken; in a
// job its destinations take turns.
//
// A peer is ready while its destination has a free slot for it, and waits otherwise. Only as many peers of a
// destination are ready as it has free slots, the oldest messages first, so that a slot that becomes free costs little
// however many messages wait for it.

#include "qmgr/scheduler/scheduler.h"

namespace qmgr::scheduler {

Entry* Scheduler::select(Time now) {
  for (std::size_t tried = 0; tried < turns_.size(); ++tried) {
    turn_ = (turn_ + 1) % turns_.size();
    Transport& transport = *turns_[turn_];
    if (!transport.may_deliver()) continue;
    if (Entry* entry = select_from(transport, now)) return entry;
  }
  return nullptr;
}

Entry* Scheduler::select_from(Transport& transport, Time now) {
  while (!transport.ready.empty()) {
    Job* job = *transport.ready.begin();
    if (Job* other = overtaker(transport, *job, now)) job = other;
    if (Entry* entry = take(*job)) return entry;  // else the job is not ready any more
  }
  return nullptr;
}

Entry* Scheduler::take(Job& job) {
  while (Peer* peer = job.ready_peers.front()) {
    Destination& destination = *peer->destination;
    if (destination.free_slots() == 0) {
      make_waiting(*peer, true);
      continue;
    }
    Entry* const entry = peer->entries.front();
    peer->entries.erase(*entry);
    --job.todo;
    ++job.selected;
    --destination.todo;
    ++destination.busy;
    ++job.transport->busy;
    if (peer->entries.empty()) {
      discard_peer(*peer);
    } else {
      job.ready_peers.erase(*peer);
      job.ready_peers.push_back(*peer);
    }
    wake_peers(destination);
    return entry;
  }
  return nullptr;
}

void Scheduler::make_ready(Peer& peer) {
  Destination& destination = *peer.destination;
  destination.waiting.erase(peer);
  destination.ready.push_back(peer);
  ++destination.ready_peers;
  Job& job = *peer.job;
  if (job.ready_peers.empty()) job.transport->ready.insert(&job);
  job.ready_peers.push_back(peer);
  peer.ready = true;
}

void Scheduler::leave_ready(Peer& peer) {
  Job& job = *peer.job;
  job.ready_peers.erase(peer);
  if (job.ready_peers.empty()) job.transport->ready.erase(&job);
  peer.destination->ready.erase(peer);
  --peer.destination->ready_peers;
  peer.ready = false;
}

void Scheduler::make_waiting(Peer& peer, bool was_first) {
  Destination& destination = *peer.destination;
  if (peer.ready) leave_ready(peer);
  // Those that come back were among the first, those that come are among the last.
  const std::uint64_t sequence = peer.job->message->sequence;
  Peer* before = nullptr;
  if (was_first) {
    for (Peer* at = destination.waiting.front(); at != nullptr && at->job->message->sequence < sequence;
         at = destination.waiting.next(*at)) {
      before = at;
    }
  } else {
    before = destination.waiting.back();
    while (before != nullptr && before->job->message->sequence > sequence) {
      before = destination.waiting.previous(*before);
    }
  }
  destination.waiting.insert_after(before, peer);
}

void Scheduler::wake_peers(Destination& destination) {
  if (destination.waiting.empty()) return;
  const int slots = destination.free_slots();
  while (destination.ready_peers < slots && !destination.waiting.empty()) {
    Peer& peer = *destination.waiting.front();
    if (peer.entries.empty()) return;  // new: its first entry comes now
    make_ready(peer);
  }
}

void Scheduler::discard_peer(Peer& peer) {
  Destination& destination = *peer.destination;
  if (destination.last_peer == &peer) destination.last_peer = nullptr;
  if (peer.ready) {
    leave_ready(peer);
  } else {
    destination.waiting.erase(peer);
  }
  delete &peer;
}

}  // namespace qmgr::scheduler
