#include "error/server.h"

#include <fmt/format.h>

#include "config/param.h"
#include "mail/text.h"

namespace error {

namespace {

constexpr std::string_view kError = "error";
constexpr std::string_view kRetry = "retry";

}  // namespace

void check(const service::Context& context) {
  const std::string& name = context.service_name;
  if (name == kError || name == kRetry || name == context.config[config::param::error_service_name]) return;
  throw base::Fatal(
      fmt::format("service {}: as \"{}\" this delivery agent bounces mail, as \"{}\" it lets mail wait; "
                  "the name in master.cf must say which",
                  name, kError, kRetry));
}

Server::Server(const service::Context& context, disk::Disk& disk)
    : AgentServer(context, queue::SpoolSettings::from(context.config), {}, disk),
      retries_(context.service_name == kRetry) {}

void Server::deliver(delivery::Job& job) {
  const auto [code, text] = mail::split_status(job.request.nexthop, "");
  delivery::Status status;
  status.reason = text;
  delivery::Outcome outcome;
  if (retries_) {
    status.code = code.empty() ? "4.0.0" : code;
    outcome = delivery::Deferred{status};
  } else {
    status.code = code.empty() ? "5.0.0" : code;
    outcome = delivery::Bounced{status};
  }
  job.recorder.record(job.request.recipients, outcome, {.relay = "none"}, job.times);
}

}  // namespace error
