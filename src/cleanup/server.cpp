#include "cleanup/server.h"

#include "config/param.h"
#include "logging/log.h"

namespace cleanup {

namespace param = config::param;

namespace {

// Whoever relies on one of these must hear that it does nothing yet.
void tell_what_is_not_served(const config::Config& config) {
  const auto tell = [](std::string_view name, const std::string& value) {
    if (!value.empty())
      logging::warning("cleanup.not_served", "{name} is set but not served yet: mail is taken as if it were not",
                       {{"name", name}});
  };
  tell("header_checks", config[param::header_checks]);
  tell("body_checks", config[param::body_checks]);
  tell("non_smtpd_milters", config[param::non_smtpd_milters]);
}

}  // namespace

Server::Server(const service::Context& context)
    : settings_(context.config),
      tables_(context.config),
      spool_(queue::SpoolSettings::from(context.config)),
      outcomes_(delivery::OutcomeSettings::from(context.config)),
      spares_(spool_, {.most = context.config[param::queue_spare_limit],
                       .busy = context.config[param::queue_spare_rate],
                       .queue_socket = "public/" + context.config[param::queue_service_name]}),
      qmgr_("public/" + context.config[param::queue_service_name]),
      bounce_(pool_, {.bounce = "private/" + context.config[param::bounce_service_name],
                      .defer = "private/" + context.config[param::defer_service_name],
                      .trace = "private/" + context.config[param::trace_service_name]}),
      shared_{settings_,
              tables_,
              spool_,
              creators_,
              spares_,
              qmgr_,
              bounce_,
              outcomes_,
              context.config[param::ipc_timeout],
              context.config[param::in_flow_delay],
              !context.config[param::disable_verp_bounces]} {
  tell_what_is_not_served(context.config);
}

void Server::serve(service::Client client) {
  Session(shared_, ipc::Channel(std::move(client.fd))).run();
}

}  // namespace cleanup
