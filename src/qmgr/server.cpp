#include "qmgr/server.h"

#include <deque>

#include "client/qmgr_client.h"
#include "config/param.h"

namespace qmgr {

namespace {

constexpr auto kAnswerTime = std::chrono::seconds(10);

// Spare files that a client has, or has used.
class Given {
 public:
  explicit Given(Spares& spares) : spares_(spares) {}
  Given(const Given&) = delete;
  Given& operator=(const Given&) = delete;
  ~Given() {
    try {
      spares_.remove_waste(names_);
    } catch (const std::exception&) {
      // No memory for a path: the next queue manager removes it.
    }
  }
  void add(const std::vector<std::string>& names) {
    names_.insert(names_.end(), names.begin(), names.end());
    if (names_.size() <= kMostRemembered) return;
    const auto end = names_.begin() + static_cast<std::ptrdiff_t>(names_.size() - kMostRemembered);
    spares_.remove_waste({names_.begin(), end});
    names_.erase(names_.begin(), end);
  }

 private:
  static constexpr std::size_t kMostRemembered = 2000;  // more than a client keeps unused
  Spares& spares_;
  std::deque<std::string> names_;
};

Flow::Parts parts_of(const config::Config& config) {
  return {.config = config,
          .settings = Settings::from(config),
          .capacities = Capacities::from_master_cf(config),
          .outcomes = delivery::OutcomeSettings::from(config),
          .spool = queue::SpoolSettings::from(config),
          .routes = std::make_unique<RouterRoutes>(config)};
}

}  // namespace

Server::Server(const service::Context& context)
    : ipc_timeout_(context.config[config::param::qmgr_ipc_timeout]), flow_(parts_of(context.config)) {}

void Server::serve(service::Client client) {
  ipc::Channel channel(std::move(client.fd));
  Given given(flow_.spares());
  while (const auto frame = channel.receive_frame_or_end(ipc_timeout_)) {
    if (frame->kind == client::SparesWanted::kind) {
      const auto wanted = ipc::Channel::understand<client::SparesWanted>(*frame);
      const client::Spares answer{flow_.spares().take(wanted.count)};
      given.add(answer.names);
      channel.set_deadline(io::Deadline::after(kAnswerTime));
      channel.send(answer);
      channel.flush();
      channel.set_deadline(io::Deadline::never());
    } else {
      flow_.announce(ipc::Channel::understand<client::Arrived>(*frame).queue_ids);
    }
  }
}

}  // namespace qmgr
