#pragma once
// Who is delivered next: concurrency of destinations, rates, overtaking, dead destinations and transports, and how many
// recipients may be in memory. A data structure: no descriptor, no clock, no log. Its user tells the time and what
// became of deliveries, and does what is decided here.

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "qmgr/scheduler/model.h"
#include "qmgr/scheduler/settings.h"

namespace qmgr::scheduler {

class Scheduler {
 public:
  using SettingsOf = std::function<TransportSettings(std::string_view transport)>;
  Scheduler(const Settings& settings, SettingsOf settings_of);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // --- messages come
  void add(Message& message, Time now);
  // Why this recipient cannot be delivered now: its transport or destination is dead. Nothing: assign() will do.
  SharedSuspension suspension(std::string_view transport, std::string_view key) const;
  // How many recipients one delivery of the transport takes; 1 makes each recipient a destination.
  int recipients_per_delivery(std::string_view transport);
  // One recipient. `key` names the destination among those of the transport; `nexthop` is what the agent is told.
  // Neither may be dead.
  void assign(Message& message, std::string_view transport, std::string_view key, std::string_view nexthop,
              std::string_view recipient, Time now);
  // How many recipients a message that is new may read at first.
  std::uint32_t first_batch() const;
  // After each reading: at most so many recipients are in the file only.
  void set_unread(Message& message, std::uint32_t unread, Time now);
  // Messages that have room for more recipients, and how many; each until its next set_unread().
  struct Refill {
    Message* message;
    std::uint32_t recipients;
  };
  std::vector<Refill> refills(Time now);
  // The message has no entry any more.
  void remove(Message& message);

  // --- deliveries
  // The next one to start. It stays valid, and busy, until it is finished.
  Entry* select(Time now);
  enum class Result {
    reached,  // the destination was talked to, whatever it said
    failed,   // it was not: see suspension
    broken,   // nothing is known about the destination
  };
  void finish(Entry& entry, Result result, const Suspension& why, Time now);
  // The transport's service cannot be reached: it rests, and all that waits for it is condemned.
  void finish_unreachable(Entry& entry, const Suspension& why, Time now);

  // Entries that will not be delivered because their destination or transport is dead now. Each must be handed to
  // finish_condemned() once its recipients have been told about.
  struct Condemned {
    Entry* entry;
    SharedSuspension why;
  };
  std::optional<Condemned> next_condemned();
  void finish_condemned(Entry& entry);

  // --- time and people
  void advance(Time now);           // ends what is over: deaths, rests
  Time next_event(Time now) const;  // when advance(), select() or refills() may have more to do; kNever
  void forget_dead();               // all destinations and transports get another chance
  void forgive(std::string_view transport, std::string_view key);

  // --- figures
  std::size_t messages() const { return messages_; }
  std::uint32_t recipients() const { return recipients_; }
  std::size_t destinations() const;
  std::size_t dead_destinations() const { return dead_; }
  const Settings& settings() const { return settings_; }
  const Transport* find_transport(std::string_view name) const;
  const Destination* find_destination(std::string_view transport, std::string_view key) const;

  // A destination that takes up much of the active queue: told once per clog_warn_time.
  struct Clogged {
    std::string transport, nexthop;
    std::uint32_t entries;
    std::size_t messages;
    int busy, concurrency_limit;
    bool other_destinations;  // of the same transport wait, too
  };
  std::vector<Clogged> take_clogged() { return std::exchange(clogged_, {}); }

 private:
  Transport& transport_named(std::string_view name);
  Destination& destination_at(Transport& transport, std::string_view key, std::string_view nexthop);
  Job& job_of(Message& message, Transport& transport);
  Peer& peer_of(Job& job, Destination& destination);

  // selecting.cpp
  Entry* select_from(Transport& transport, Time now);
  Entry* take(Job& job);
  void make_ready(Peer& peer);
  void leave_ready(Peer& peer);
  void make_waiting(Peer& peer, bool was_first);
  void wake_peers(Destination& destination);
  void discard_peer(Peer& peer);
  void reset_window(Destination& destination);

  // overtaking.cpp
  Job* overtaker(Transport& transport, Job& current, Time now);
  Job* best_candidate(Transport& transport, const Job& current, std::int64_t slots, Time now) const;
  void put_before(Transport& transport, Job& job, Job& overtaken);
  static void renumber(Transport& transport);

  // feedback of deliveries
  void release(Entry& entry);
  void praise(Destination& destination);
  void blame(Destination& destination, const Suspension& why, Time now);
  void rest(Destination& destination, Time until);
  void revive(Destination& destination);
  void condemn_all(Destination& destination, const SharedSuspension& why);
  void discard_if_unused(Destination& destination);
  void set_timer(Destination& destination, Time time);
  void note_clogging(Destination& destination, Time now);

  // memory.cpp
  std::uint32_t room_of(const Message& message) const;
  void lend_extra_room(Job& job);

  Settings settings_;
  SettingsOf settings_of_;
  std::unordered_map<std::string, std::unique_ptr<Transport>> transports_;
  std::vector<Transport*> turns_;  // the same, in the order of their turns
  std::size_t turn_ = 0;
  std::set<std::pair<Time, Destination*>> timers_;
  std::deque<Condemned> condemned_;
  std::set<Message*, BySequence> with_unread_;
  std::set<Message*> refill_checks_;  // those whose room may have grown
  Time next_refill_check_ = kNever;   // of all
  std::vector<Clogged> clogged_;
  std::uint64_t next_sequence_ = 1;
  std::size_t messages_ = 0;
  std::size_t dead_ = 0;
  std::uint32_t recipients_ = 0;
};

}  // namespace qmgr::scheduler
