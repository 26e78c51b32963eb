#include "local/hand_over.h"

#include <fmt/format.h>

#include "base/text.h"
#include "config/param.h"
#include "delivery/agent_client.h"
#include "logging/log.h"
#include "mail/address.h"

namespace local {

namespace {

namespace param = config::param;
using delivery::Status;

Status configuration_error() {
  return {.code = "4.3.5", .reason = "mail system configuration error"};
}

}  // namespace

std::expected<Transport, std::string> parse_transport(std::string_view text) {
  text = base::trim(text);
  const auto colon = text.find(':');
  Transport transport{.name = std::string(text.substr(0, colon)), .nexthop = {}};
  if (colon != std::string_view::npos) transport.nexthop = base::trim(text.substr(colon + 1));
  if (transport.name.empty()) return std::unexpected(fmt::format("missing transport name in \"{}\"", text));
  // The name of a socket in private/.
  if (transport.name.find('/') != std::string::npos || transport.name.starts_with('.')) {
    return std::unexpected(fmt::format("bad transport name in \"{}\"", text));
  }
  return transport;
}

HandOver::HandOver(const service::Context& context)
    : own_service_(context.service_name),
      ipc_limit_(context.config[param::ipc_timeout]),
      mailbox_transport_(context.config[param::mailbox_transport]),
      fallback_transport_(context.config[param::fallback_transport]),
      external_addresses_(context.config[param::info_log_address_format] != "internal"),
      mailbox_maps_("mailbox_transport_maps", context.config[param::mailbox_transport_maps],
                    table::Settings::from(context.config), table::Options{}),
      fallback_maps_("fallback_transport_maps", context.config[param::fallback_transport_maps],
                     table::Settings::from(context.config), table::Options{}) {}

HandOver::Choice HandOver::choose(const table::TableList& tables, std::string_view parameter,
                                  const std::string& otherwise, const Recipient& recipient) const {
  std::string text = otherwise;
  if (!tables.empty()) {
    const auto answer = tables.lookup(recipient.user);
    if (!answer) {
      logging::warning("local.transport_table", "{error}", {{"error", answer.error().text}});
      return std::unexpected(Status{.code = "4.3.0", .reason = "table lookup failure"});
    }
    if (*answer) {
      text = **answer;
      parameter = tables.parameter();
    }
  }
  if (text.empty()) return std::nullopt;
  auto transport = parse_transport(text);
  if (transport && transport->name == own_service_) {
    transport = std::unexpected(fmt::format("\"{}\" leads back to this delivery agent", text));
  }
  if (!transport) {
    logging::warning("local.transport", "{parameter}: {problem}",
                     {{"parameter", parameter}, {"problem", transport.error()}});
    return std::unexpected(configuration_error());
  }
  return std::move(*transport);
}

HandOver::Choice HandOver::for_mailbox(const Recipient& recipient) const {
  return choose(mailbox_maps_, "mailbox_transport", mailbox_transport_, recipient);
}

HandOver::Choice HandOver::for_unknown(const Recipient& recipient) const {
  return choose(fallback_maps_, "fallback_transport", fallback_transport_, recipient);
}

std::optional<Status> HandOver::pass(const delivery::Job& job, const delivery::RequestRecipient& recipient,
                                     const Transport& transport) {
  logging::info("local.passing", "{id}: passing <{to}> to transport={transport}",
                {{"id", job.request.queue_id},
                 {"to", mail::for_log(recipient.address, external_addresses_)},
                 {"transport", transport.name}});
  delivery::Request request = job.request;
  request.nexthop = transport.nexthop;
  if (request.nexthop.empty()) request.nexthop = job.request.nexthop;
  request.recipients = {recipient};
  const auto report = delivery::ask_agent(pool_, "private/" + transport.name, request, io::Deadline::after(ipc_limit_),
                                          io::Deadline::after(ipc_limit_));
  if (!report) {
    const bool unreachable = report.error().kind == delivery::NoReport::Kind::unreachable;
    logging::warning("local.transport_failed", "{id}: transport {transport}: {problem}",
                     {{"id", job.request.queue_id}, {"transport", transport.name}, {"problem", report.error().text}});
    return Status{.code = "4.3.0",
                  .reason = unreachable ? "mail transport unavailable" : "unknown mail transport error"};
  }
  if (report->corrupt) throw delivery::Corrupt{transport.name + " could not make sense of the file"};
  job.recorder.passed_on(report->some_deferred);
  return std::nullopt;
}

std::string HandOver::changed() const {
  for (const table::TableList* list : {&mailbox_maps_, &fallback_maps_}) {
    if (list->has_changed()) return list->parameter();
  }
  return {};
}

}  // namespace local
