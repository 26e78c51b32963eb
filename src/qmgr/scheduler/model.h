#pragma once
// What is scheduled.
//
//   Message ──< Job >── Transport      a job is what one message asks of one transport
//                │          │
//                Peer >── Destination  a peer is what one message asks of one destination
//                │
//                Entry                 an entry is one delivery: recipients of one message for one destination
//
// All of it belongs to the Scheduler, except Message, which its user derives from.

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "qmgr/scheduler/list.h"
#include "qmgr/scheduler/packed_list.h"
#include "qmgr/scheduler/settings.h"

namespace qmgr::scheduler {

struct Transport;
struct Destination;
struct Message;
struct Job;
struct Peer;

// Why nothing is delivered to a destination, or over a transport, for a while.
struct Suspension {
  std::string code;    // 4.4.1
  std::string reason;  // "connect to mx.example[192.0.2.1]:25: Connection timed out"
  friend bool operator==(const Suspension&, const Suspension&) = default;
};
using SharedSuspension = std::shared_ptr<const Suspension>;

struct Entry {
  PackedList recipients;
  Message* message;
  Job* job;
  Destination* destination;
  Link<Entry> in_peer;
};

struct Peer {
  Job* job;
  Destination* destination;
  List<Entry, &Entry::in_peer> entries;
  Link<Peer> in_job;          // among the peers that may deliver, when ready
  Link<Peer> at_destination;  // among the ready ones, or among those that wait for room
  bool ready = false;
};

struct Job {
  Message* message;
  Transport* transport;
  Job* next_of_message;
  List<Peer, &Peer::in_job> ready_peers;
  // Its place in the transport's order: an overtaking job goes before the one that it overtakes.
  Link<Job> in_order;
  std::uint64_t position = 0;
  bool overtook = false;

  std::uint32_t todo = 0;        // entries not yet selected
  std::uint32_t selected = 0;    // entries ever selected: what slots are earned by
  std::int32_t slots_used = 0;   // by those that overtook it
  std::uint32_t recipients = 0;  // in memory
  std::int32_t extra_room = 0;   // for recipients, lent by the transport
};

// A message with recipients in memory. Stays where it is until Scheduler::remove().
struct Message {
  Message() = default;
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;

  // Every recipient that was assigned has been finished. When none is unread either, the message is done with.
  bool idle() const { return entries == 0; }

  std::uint32_t entries = 0;     // todo, busy or condemned
  std::uint32_t recipients = 0;  // in memory
  std::uint32_t unread = 0;      // at most so many are in the file only

  // --- the scheduler's own
  bool reading = false;        // more recipients are being read
  std::uint64_t sequence = 0;  // in the order of their coming
  Time came = 0;
  Time refilled = 0;
  Job* jobs = nullptr;
};

// A transport's next hop; or, where a delivery has one recipient, that recipient.
struct Destination {
  Transport* transport;
  std::string key;      // recipients with the same key have the same destination
  std::string nexthop;  // empty: the key
  std::string_view next_hop() const { return nexthop.empty() ? key : nexthop; }

  // At most `window` deliveries at once.
  int window = 0;
  int busy = 0;
  double success = 0;
  double failure = 0;
  double failed_cohorts = 0;

  SharedSuspension suspension;  // dead, until `timer`
  Time timer = kNever;          // dead, or resting between two deliveries

  std::uint32_t todo = 0;       // entries
  std::uint32_t condemned = 0;  // entries whose fate is being told
  int ready_peers = 0;
  List<Peer, &Peer::at_destination> ready;    // no more than there are free slots, or soon so
  List<Peer, &Peer::at_destination> waiting;  // in the order of their messages
  Peer* last_peer = nullptr;                  // that recipients were assigned to
  Time next_warning = 0;

  bool dead() const { return suspension != nullptr; }
  int free_slots() const { return timer != kNever || busy >= window ? 0 : window - busy; }
};

struct ByPosition {
  bool operator()(const Job* a, const Job* b) const { return a->position < b->position; }
};
struct BySequence {
  bool operator()(const Message* a, const Message* b) const { return a->sequence < b->sequence; }
  bool operator()(const Job* a, const Job* b) const { return a->message->sequence < b->message->sequence; }
};

struct Transport {
  std::string name;
  TransportSettings settings;
  std::unordered_map<std::string_view, std::unique_ptr<Destination>> destinations;

  List<Job, &Job::in_order> order;         // all jobs
  std::set<Job*, ByPosition> ready;        // those that have a ready peer
  std::set<Job*, BySequence> with_unread;  // those whose messages have more recipients in their files
  int busy = 0;
  std::uint32_t recipients = 0;  // in memory
  std::int32_t extra_lent = 0;

  SharedSuspension suspension;  // dead, until `timer`
  Time timer = kNever;          // dead, or resting between two deliveries

  // The best job to overtake `candidate_for`, as found at that time.
  Job* candidate = nullptr;
  Job* candidate_for = nullptr;
  Time candidate_time = 0;

  bool dead() const { return suspension != nullptr; }
  bool may_deliver() const { return timer == kNever && !ready.empty() && busy < settings.capacity; }
};

}  // namespace qmgr::scheduler
