#include "qmgr/server.h"

#include "client/qmgr_client.h"

namespace qmgr {

namespace {

Flow::Parts parts_of(const config::Config& config) {
  return {.config = config,
          .settings = Settings::from(config),
          .capacities = Capacities::from_master_cf(config),
          .outcomes = delivery::OutcomeSettings::from(config),
          .spool = queue::SpoolSettings::from(config),
          .routes = std::make_unique<RouterRoutes>(config)};
}

}  // namespace

Server::Server(const service::Context& context) : flow_(parts_of(context.config)) {}

void Server::serve(service::Client client) {
  ipc::Channel channel(std::move(client.fd));
  while (const auto frame = channel.receive_frame_or_end()) {
    flow_.announce(ipc::Channel::understand<client::Arrived>(*frame).queue_ids);
  }
}

}  // namespace qmgr
