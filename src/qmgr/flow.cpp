#include "qmgr/flow.h"

#include <algorithm>

#include "client/qmgr_client.h"
#include "config/param.h"
#include "logging/log.h"

namespace qmgr {

namespace {

constexpr auto kStopTime = std::chrono::seconds(5);  // for deliveries on their way, when there is a reload
constexpr auto kIdleConnection = std::chrono::seconds(5);
constexpr std::size_t kMostEnders = 100;

}  // namespace

Flow::Flow(Parts parts)
    : config_(parts.config),
      settings_(std::move(parts.settings)),
      capacities_(std::move(parts.capacities)),
      outcomes_(std::move(parts.outcomes)),
      spool_(parts.spool, parts.disk),
      routes_(std::move(parts.routes)),
      scheduler_(settings_.scheduling,
                 [this](std::string_view transport) { return transport_settings(config_, capacities_, transport); }),
      feed_(spool_),
      spares_(spool_),
      believed_(settings_.retry.minimal_backoff),
      started_(::time(nullptr)),
      pool_(kIdleConnection),
      bounce_(pool_, {"private/" + config_[config::param::bounce_service_name],
                      "private/" + config_[config::param::defer_service_name],
                      "private/" + config_[config::param::trace_service_name]}),
      enders_(kMostEnders) {}

Flow::~Flow() = default;

void Flow::start() {
  (void)now();  // so that a jump of the clock before the first message is one
  feed_.scan_deferred({});
  // What goes wrong in the middle of a step, as memory may run out anywhere, leaves messages of which nobody knows any
  // more who works on them. The process ends, and its successor finds them all in the active queue.
  fibers_.push_back(io::spawn_vital("recover", [this] { recover_active(); }));
  fibers_.push_back(io::spawn_vital("take in", [this] { take_in_for_ever(); }));
  fibers_.push_back(io::spawn_vital("dispatch", [this] { dispatch_for_ever(); }));
  fibers_.push_back(io::spawn_vital("condemned", [this] { tell_condemned_for_ever(); }));
  fibers_.push_back(io::spawn_steady("deferred", [this] {
    while (true) {
      io::sleep_until(io::Deadline::after(settings_.queue_run_delay));
      feed_.scan_deferred({});
      work_.notify_one();
    }
  }));
  fibers_.push_back(io::spawn_steady("spares", [this] {
    spares_.remove_all_waste();
    spares_.make_ready_for_ever();
  }));
  fibers_.push_back(io::spawn_steady("connections", [this] {
    while (true) {
      io::sleep_until(io::Deadline::after(kIdleConnection));
      pool_.drop_idle();
    }
  }));
}

void Flow::stop(io::Deadline deadline) {
  stopping_ = true;
  deadline = deadline.or_earlier(io::Deadline::after(kStopTime));
  while (running_ > 0 && ended_.wait(deadline) == io::Wakeup::ready) {
  }
  for (auto& fiber : fibers_) fiber.cancel();
}

void Flow::look_again() {
  scan_incoming({});
  work_.notify_one();
}

void Flow::announce(const std::vector<std::string>& queue_ids) {
  for (const std::string& text : queue_ids) {
    if (auto id = queue::Id::parse(text)) feed_.announce(std::move(*id));
  }
  work_.notify_one();
}

void Flow::request(std::string_view letters) {
  const auto has = [&](char letter) { return letters.contains(letter); };
  const Feed::Wishes wishes{has(client::qmgr_request::kIgnoreTimes), has(client::qmgr_request::kForgetDead)};
  if (wishes.flush) {
    scheduler_.forget_dead();
    schedule_.notify_one();
  }
  if (has(client::qmgr_request::kWakeUp) || has(client::qmgr_request::kScanIncoming)) scan_incoming(wishes);
  if (has(client::qmgr_request::kScanDeferred)) feed_.scan_deferred(wishes);
  work_.notify_one();
}

std::time_t Flow::now() {
  const std::time_t wall = ::time(nullptr);
  (void)observe(wall);
  return wall;
}

std::time_t Flow::believed_now() {
  return observe(::time(nullptr));
}

std::time_t Flow::observe(std::time_t wall) {
  const auto steady = std::chrono::duration_cast<std::chrono::seconds>(io::Clock::now().time_since_epoch()).count();
  const bool doubted = believed_.in_doubt();
  const std::time_t before = believed_.set_back();
  const std::time_t believed = believed_.observe(wall, steady);
  if (believed_.in_doubt() && !doubted) {
    logging::warning("qmgr.clock",
                     "the clock has jumped ahead by more than an hour: no mail is returned as too old "
                     "for the next {seconds} seconds",
                     {{"seconds", settings_.retry.minimal_backoff}});
  }
  if (believed_.set_back() != before) {
    logging::warning("qmgr.clock",
                     "the clock was set back by {seconds} seconds: from now on no mail waits for a time that is "
                     "further away than {param} allows",
                     {{"seconds", believed_.set_back()}, {"param", "maximal_backoff_time"}});
  }
  return believed;
}

// Whether a file with this time may be taken. One from before the clock was set back is not to wait until the clock has
// come so far again.
bool Flow::is_due(std::time_t time, queue::Folder folder) {
  const std::time_t current = now();
  if (time <= current + 1) return true;
  if (believed_.set_back() == 0) return false;
  return time > current + (folder == queue::Folder::deferred ? longest_pause(settings_.retry) : kLockedPause) + 1;
}

void Flow::pause(std::string_view why) {
  constexpr auto kPause = std::chrono::seconds(5);
  logging::warning("qmgr.trouble", "{why} -- trying again in {seconds} seconds",
                   {{"why", why}, {"seconds", kPause.count()}});
  io::sleep_until(io::Deadline::after(kPause));
}

}  // namespace qmgr
