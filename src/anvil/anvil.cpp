#include "anvil/anvil.h"

#include <map>

#include "anvil/tallies.h"
#include "config/param.h"
#include "ipc/channel.h"
#include "logging/log.h"

namespace anvil {

namespace {

namespace param = config::param;

// With names cut at AnvilClient::kLongestRange, at most 60 MiB.
constexpr std::size_t kMostRanges = 100'000;
constexpr auto kBetweenCleanings = std::chrono::seconds(10);

// The connections that one process of the mail system has open, by range. They end with its own connection to us.
class Held {
 public:
  explicit Held(Tallies& tallies) : tallies_(tallies) {}
  ~Held() {
    for (const auto& [range, connections] : open_) {
      tallies_.count(range, client::AnvilEvent::disconnect, connections, io::Clock::now());
    }
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  client::AnvilCounts count(const client::AnvilRequest::Item& item) {
    using client::AnvilEvent;
    const std::string_view range = std::string_view(item.range).substr(0, client::AnvilClient::kLongestRange);
    const int by = std::max(1, item.by);
    if (item.event == AnvilEvent::connect || item.event == AnvilEvent::held) {
      if (open_.size() >= kMostRanges && !open_.contains(range)) return {};
      int& held = open_[std::string(range)];
      held = held > kMostHeld - by ? kMostHeld : held + by;
      return tallies_.count(range, item.event, by, io::Clock::now());
    }
    if (item.event == AnvilEvent::disconnect) {
      // Nobody can end what others hold.
      const auto found = open_.find(range);
      if (found == open_.end()) return {};
      const int ended = std::min(by, found->second);
      found->second -= ended;
      if (found->second == 0) open_.erase(found);
      return tallies_.count(range, item.event, ended, io::Clock::now());
    }
    return tallies_.count(range, item.event, by, io::Clock::now());
  }

 private:
  static constexpr int kMostHeld = 1'000'000;
  Tallies& tallies_;
  std::map<std::string, int, std::less<>> open_;
};

class Server final : public service::Server {
 public:
  explicit Server(const config::Config& config)
      : time_unit_(config[param::anvil_rate_time_unit]),
        update_time_(config[param::anvil_status_update_time]),
        ipc_timeout_(config[param::ipc_timeout]),
        tallies_(time_unit_, kMostRanges) {}

  void start() override {
    io::spawn_steady("statistics", [this] {
      while (true) {
        io::sleep_until(io::Deadline::after(update_time_));
        tallies_.peaks().log(time_unit_.count());
      }
    });
    io::spawn_steady("cleaning", [this] {
      while (true) {
        io::sleep_until(io::Deadline::after(kBetweenCleanings));
        tallies_.forget_old(io::Clock::now());
      }
    });
  }

  void serve(service::Client client) override {
    ipc::Channel channel(std::move(client.fd));
    Held held(tallies_);
    while (true) {
      channel.set_deadline(io::Deadline::never());  // it is the sessions that may take their time
      const auto frame = channel.receive_frame_or_end(ipc_timeout_);
      if (!frame) return;
      channel.set_deadline(io::Deadline::after(ipc_timeout_));
      const auto request = ipc::Channel::understand<client::AnvilRequest>(*frame);
      client::AnvilResult result;
      for (const auto& item : request.items) result.counts = held.count(item);
      if (!request.wants_counts) continue;
      channel.send(result);
      channel.flush();  // within this deadline
    }
  }

  void finish(io::Deadline) override { tallies_.peaks().log(time_unit_.count()); }

 private:
  base::Seconds time_unit_, update_time_, ipc_timeout_;
  Tallies tallies_;
};

}  // namespace

std::unique_ptr<service::Server> open(const service::Context& context) {
  return std::make_unique<Server>(context.config);
}

}  // namespace anvil
