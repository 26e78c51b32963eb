#include "discard/server.h"

#include "mail/text.h"

namespace discard {

Server::Server(const service::Context& context, disk::Disk& disk)
    : AgentServer(context, queue::SpoolSettings::from(context.config), {}, disk) {}

void Server::deliver(delivery::Job& job) {
  const auto [code, text] = mail::split_status(job.request.nexthop, "");
  delivery::Sent sent;
  sent.status.code = code.empty() ? "2.0.0" : code;
  sent.status.reason = text;
  job.recorder.record(job.request.recipients, sent, {.relay = "none"}, job.times);
}

}  // namespace discard
