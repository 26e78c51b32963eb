#pragma once
// The way of messages through this process: taken in, scheduled, delivered, ended. Where each step leaves the message
// on disk, and what a crash leaves:
//
//   state on disk                           who moves it on           a crash leaves
//   incoming/<id>, mode 0700                taken in: -> active       incoming: found by the next scan
//   active/<id>, recipients R               agents: R -> D each       active: the next qmgr moves it to incoming; what
//                                                                     was delivered but not marked is delivered again
//   active/<id>, all D or some deferred,    bounce: notice, then the  active: the log is still there, so the notice is
//     bounce/<id> or trace/<id>             log is removed            made again; D recipients are not tried again
//   active/<id>, some R                     times, -> deferred        active or deferred: at worst tried too early
//   active/<id>, all D, no logs             removed                   active: taken in once more, without recipients,
//                                                                     and removed
//                                           or, when wanted, ->       spare/<id>: waste, removed at the next start
//                                           spare/<id>
//   deferred/<id>, time in the future       nobody                    -
//   deferred/<id>, time come                taken in: -> active; or   deferred: tried again at once
//                                           when all of it is
//                                           deferred right away: a
//                                           new time, never leaving
//                                           the folder
//   any of them, cannot be understood       -> corrupt                where it was: moved by the next attempt

#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client/bounce_client.h"
#include "delivery/agent_client.h"
#include "delivery/outcome.h"
#include "io/fiber.h"
#include "ipc/channel.h"
#include "qmgr/active_message.h"
#include "qmgr/feed.h"
#include "qmgr/placement.h"
#include "qmgr/routes.h"
#include "qmgr/scheduler/scheduler.h"
#include "qmgr/settings.h"
#include "qmgr/spares.h"
#include "queue/spool.h"

namespace qmgr {

class Flow {
 public:
  struct Parts {
    const config::Config& config;  // outlives the flow, as does the disk
    Settings settings;
    Capacities capacities;
    delivery::OutcomeSettings outcomes;
    queue::SpoolSettings spool;
    std::unique_ptr<Routes> routes;
    disk::Disk& disk = disk::real();
  };
  explicit Flow(Parts parts);
  ~Flow();

  // Starts the fibers that do the work; they run until stop().
  void start();
  // No further message, no further delivery; waits for those that are on their way, a little.
  void stop(io::Deadline deadline);

  void look_again();  // someone may have announced a message in vain
  void announce(const std::vector<std::string>& queue_ids);
  void request(std::string_view letters);  // of public/qmgr
  Spares& spares() { return spares_; }
  // Not empty: only a new process can go on with the tables as they are now.
  const std::string& stale() const { return stale_; }

  // --- the steps, for tests
  enum class Taken {
    nothing,    // it is not there any more, not ready, or its time has not come
    activated,  // it is in the active queue
    settled,    // all its recipients were deferred at once
    postponed,  // someone else has it
    corrupt,
    trouble,  // the file system says no: this was told, and it is better to wait a moment
  };
  Taken take_in(const Candidate& candidate);
  std::size_t active() const { return active_.size(); }
  const scheduler::Scheduler& scheduler() const { return scheduler_; }

 private:
  static constexpr std::time_t kLockedPause = 60;  // until a file that someone else holds is tried again

  struct Batch;

  // intake.cpp
  void take_in_for_ever();
  void take_in_next();
  Taken reject(const queue::Id& id, queue::Folder folder, std::string_view why);
  Batch sort_recipients(Kept& kept, ActiveMessage& flags, std::vector<queue::Recipient> recipients, int message_fd);
  Taken settle(const Candidate& candidate, const Kept& kept, const Batch& batch, int message_fd);
  void assign(ActiveMessage& message, const Batch& batch);
  void read_more(ActiveMessage& message, std::uint32_t most);
  void read_portion(ActiveMessage& message, std::uint32_t most);
  void scan_incoming(const Feed::Wishes& wishes);
  bool is_due(const Candidate& candidate);
  bool may_settle(const queue::Id& id, const ActiveMessage& flags, const Kept& kept, const Batch& batch);
  void forget_delay(const queue::Id& id);
  void recover_active();

  // deliveries.cpp
  void dispatch();
  void dispatch_for_ever();
  void deliver(scheduler::Entry& entry);
  struct Ending {
    scheduler::Scheduler::Result result = scheduler::Scheduler::Result::reached;
    scheduler::Suspension why = {};
    bool unreachable = false;  // the transport
  };
  Ending deliver_to_the_end(const scheduler::Entry& entry, ActiveMessage& message);
  struct Asked;
  Asked ask(const scheduler::Entry& entry, const Kept& kept, std::vector<delivery::RequestRecipient> recipients);
  void tell_condemned();
  void tell_condemned_for_ever();
  void tell(const Kept& kept, const std::vector<delivery::RequestRecipient>& recipients,
            const delivery::Outcome& outcome, ActiveMessage& message);
  void warn_of_clogging();
  void debug_feedback(const std::string& transport, const std::string& key) const;

  // ending.cpp
  bool claim_end(ActiveMessage& message);
  void end_if_idle(ActiveMessage& message);
  void end(ActiveMessage& message);
  bool try_to_end(ActiveMessage& message);
  bool has_notices(const ActiveMessage& message);
  bool send_notice(client::Notice notice, const Kept& kept);
  bool expire(const Kept& kept, const queue::Id& id, bool forced);
  void warn_sender(const Kept& kept, const queue::Id& id);
  void forget(ActiveMessage& message);
  bool exists(queue::Folder log, const queue::Id& id) const;

  void pause(std::string_view why);
  // The time of day, and as far as it is believed.
  std::time_t now();
  std::time_t believed_now();
  std::time_t observe(std::time_t wall);
  bool is_due(std::time_t time, queue::Folder folder);

  const config::Config& config_;
  const Settings settings_;
  const Capacities capacities_;
  const delivery::OutcomeSettings outcomes_;
  const queue::Spool spool_;
  std::unique_ptr<Routes> routes_;
  scheduler::Scheduler scheduler_;
  Feed feed_;
  bool scanned_ = false;  // all of incoming, since flow::restore()
  bool in_hand_ = false;  // a message is being taken in that is not in its folder any more
  std::list<ActiveMessage> active_;
  Spares spares_;
  int probes_ = 0;
  BelievedTime believed_;
  std::time_t started_;

  ipc::Pool pool_;
  client::BounceClient bounce_;
  int running_ = 0;  // deliveries
  io::Semaphore enders_;
  io::Condition work_;      // for the fiber that takes in
  io::Condition schedule_;  // for the one that dispatches
  io::Condition ended_;
  io::Condition doomed_;  // for the one that tells what is condemned
  bool stopping_ = false;
  std::string stale_;
  std::vector<io::FiberHandle> fibers_;
};

}  // namespace qmgr
