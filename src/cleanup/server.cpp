#include "cleanup/server.h"

#include "config/param.h"

namespace cleanup {

namespace param = config::param;

Server::Server(const service::Context& context)
    : settings_(context.config),
      tables_(context.config),
      spool_(queue::SpoolSettings::from(context.config)),
      outcomes_(delivery::OutcomeSettings::from(context.config)),
      qmgr_("public/" + context.config[param::queue_service_name]),
      bounce_(pool_, {.bounce = "private/" + context.config[param::bounce_service_name],
                      .defer = "private/" + context.config[param::defer_service_name],
                      .trace = "private/" + context.config[param::trace_service_name]}),
      shared_{settings_,
              tables_,
              spool_,
              creators_,
              qmgr_,
              bounce_,
              outcomes_,
              context.config[param::ipc_timeout],
              context.config[param::in_flow_delay],
              !context.config[param::disable_verp_bounces]} {}

void Server::serve(service::Client client) {
  Session(shared_, ipc::Channel(std::move(client.fd))).run();
}

}  // namespace cleanup
