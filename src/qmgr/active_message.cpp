#include "qmgr/active_message.h"

#include "logging/log.h"
#include "mail/address.h"

namespace qmgr {

namespace {

delivery::RequestClient client_of(const queue::Client& client) {
  return {client.name,        client.address,       client.port,        client.protocol,  client.helo,
          client.sasl_method, client.sasl_username, client.sasl_sender, client.log_ident, client.rewrite_context};
}

// A mailing list's sender may ask for a sender of its own for each recipient, and for a notice each.
void find_verp_request(Kept& kept, const queue::Envelope& envelope) {
  const std::string& id = kept.request.queue_id;
  if (!envelope.verp_delimiters.empty()) {
    if (envelope.sender.empty()) {
      logging::warning("qmgr.verp", "{id}: ignoring VERP request for null sender", {{"id", id}});
    } else if (envelope.verp_delimiters.size() != 2) {
      logging::warning("qmgr.verp", "{id}: ignoring bad VERP request: \"{text}\"",
                       {{"id", id}, {"text", envelope.verp_delimiters}});
    } else {
      kept.verp_delimiters = envelope.verp_delimiters;
    }
  }
}

}  // namespace

Kept keep(const queue::Envelope& envelope, const queue::Id& id, bool confirm_delay_cleared) {
  Kept kept;
  delivery::Request& request = kept.request;
  request.queue_id = id.text();
  request.trace_flags = envelope.trace_flags;
  request.data_offset = envelope.sizes.data_offset;
  request.size = envelope.sizes.content;
  request.encoding = envelope.encoding;
  request.smtputf8 = envelope.sizes.smtputf8;
  request.require_tls = envelope.require_tls;
  request.sender = envelope.sender;
  request.envelope_id = envelope.envelope_id;
  request.return_flags = envelope.return_flags;
  request.times.arrival = std::int64_t{envelope.arrival.seconds} * 1'000'000 + envelope.arrival.microseconds;
  request.times.active = delivery::microseconds_now();
  request.client = client_of(envelope.log_client);
  find_verp_request(kept, envelope);

  kept.filter = envelope.filter;
  kept.redirect = envelope.redirect;
  kept.create_time = envelope.create_time;
  kept.trace_flags_offset = envelope.trace_flags_offset;
  if (envelope.warning_time) {
    kept.warn = *envelope.warning_time > 0;
    kept.warning_time = *envelope.warning_time;
    kept.warning_offset = envelope.warning_offset;
    const bool was_warned = *envelope.warning_time == -1;
    if (was_warned && confirm_delay_cleared) request.trace_flags |= queue::trace::kReportDelayed;
  }
  return kept;
}

Kept ActiveMessage::unpack() const {
  auto kept = ipc::decode<Kept>(packed);
  return kept ? std::move(*kept) : Kept{};  // it was packed here
}

void ActiveMessage::pack(const Kept& kept) {
  packed = std::string(std::string_view(ipc::encode(kept)));  // without the room to grow
}

}  // namespace qmgr
