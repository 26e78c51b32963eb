#include "smtpd/envelope.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include "client/cleanup_client.h"
#include "config/param.h"
#include "logging/log.h"
#include "queue/message.h"
#include "smtpd/content.h"
#include "smtpd/log.h"
#include "smtpd/received.h"
#include "smtpd/settings.h"
#include "smtpd/shared.h"

namespace smtpd {

namespace flag = client::cleanup_flag;
using queue::RecordType;

namespace {

void attribute(Message& message, std::string_view name, std::string_view value) {
  if (!value.empty()) message.append(RecordType::attribute, fmt::format("{}={}", name, value));
}

int flags_of(const Session& session) {
  int flags = session.settings().cleanup_flags;
  if (session.transaction.smtputf8) flags |= flag::kSmtpUtf8;
  return flags;
}

// For the logs of all that handle the message, by XFORWARD's word or as it is.
void describe_client(const Session& session, Message& message) {
  const restrictions::Client& client = session.client;
  const LoggedClient logged =
      logged_client(session.forwarded, client, session.helo, session.protocol, session.settings().port_logging);
  attribute(message, "log_client_name", logged.name);
  attribute(message, "log_client_address", (logged.address.contains(':') ? "IPv6:" : "") + logged.address);
  attribute(message, "log_client_port", logged.port);
  attribute(message, "log_message_origin", logged.origin);
  attribute(message, "log_helo_name", logged.helo);
  attribute(message, "log_protocol_name", logged.protocol);

  attribute(message, "client_name", client.name);
  attribute(message, "reverse_client_name", client.reverse_name);
  attribute(message, "client_address", client.address);
  attribute(message, "client_port", client.port);
  attribute(message, "server_address", client.server_address);
  attribute(message, "server_port", client.server_port);
  attribute(message, "helo_name", session.helo);
  attribute(message, "protocol_name", session.protocol);
  attribute(message, "client_address_type", std::to_string(client.is_ipv6() ? AF_INET6 : AF_INET));
}

void describe_transaction(const Session& session, Message& message) {
  const Transaction& transaction = session.transaction;
  attribute(message, "log_ident", session.forwarded.ident.empty() ? message.queue_id() : session.forwarded.ident);
  attribute(message, "rewrite_context", transaction.rewrites_locally ? "local" : "remote");
  attribute(message, "sasl_method", session.sasl_method);
  attribute(message, "sasl_username", session.sasl_username);
  attribute(message, "sasl_sender", transaction.sasl_sender);
  if (transaction.requiretls) attribute(message, queue::attribute::kRequireTls, queue::attribute::kYes);
}

// Whether the message is to be held or to vanish, as soon as it is known.
void tell_fate(Transaction& transaction) {
  const int flags = (transaction.effects.hold ? flag::kHold : 0) | (transaction.effects.discard ? flag::kDiscard : 0);
  if (flags == transaction.told_flags) return;
  transaction.message->append(RecordType::flags, std::to_string(flags));
  transaction.told_flags = flags;
}

}  // namespace

void open_message(Session& session) {
  Transaction& transaction = session.transaction;
  transaction.message = session.shared.parts().sink->begin(flags_of(session));
  Message& message = *transaction.message;
  log_client(session);

  const bool stand_alone = session.shared.parts().stand_alone;
  message.append(RecordType::time, fmt::format("{} {}", transaction.arrival.seconds, transaction.arrival.microseconds));
  if (!stand_alone && !session.settings().content_filter.empty())
    message.append(RecordType::filter, session.settings().content_filter);
  // What pickup finds out by itself it believes nobody.
  if (!stand_alone) describe_transaction(session, message);
  attribute(message, "envelope_id", transaction.envelope_id);
  if (transaction.dsn_return != 0) attribute(message, "ret_flags", std::to_string(transaction.dsn_return));
  message.append(RecordType::sender, *transaction.sender);
  if (transaction.encoding != Encoding::unknown)
    attribute(message, "encoding", transaction.encoding == Encoding::eight_bit ? "8bit" : "7bit");
  if (!stand_alone) describe_client(session, message);
  if (!transaction.verp_delimiters.empty()) message.append(RecordType::verp_delimiters, transaction.verp_delimiters);
}

void add_recipient(Session& session, std::string_view address, const Delivery& delivery) {
  Message& message = *session.transaction.message;
  if (delivery.notify != 0) attribute(message, "notify_flags", std::to_string(delivery.notify));
  attribute(message, "dsn_orig_rcpt", delivery.original_recipient);
  message.append(RecordType::recipient, address);
}

void begin_content(Session& session) {
  Transaction& transaction = session.transaction;
  const Settings& settings = session.settings();
  Message& message = *transaction.message;
  const bool excused = settings.bare_newline != BareNewline::no && session.is_excused_for_bare_newlines();
  transaction.content = std::make_unique<Content>(
      message, Content::Rules{.line_length_limit = settings.line_length_limit,
                              .size_limit = settings.message_size_limit,
                              .bare_newline = excused ? BareNewline::no : settings.bare_newline});
  // What fails now is told at the end: the client sends its message all the same.
  try {
    tell_fate(transaction);
    message.append(RecordType::message, {});
    for (const std::string& header : transaction.effects.prepend) message.append(RecordType::text, header);
    const bool to_filter = !settings.content_filter.empty() || !transaction.effects.filter.empty();
    if (transaction.requiretls && settings.requiretls_header && to_filter)
      message.append(RecordType::text, "Require-TLS-ESMTP: yes");
    for (const std::string& line : received_header(session, queue::now().seconds))
      message.append(RecordType::text, line);
  } catch (const io::StreamError&) {
    transaction.content->fail();
  }
}

void end_content(Session& session) {
  Message& message = *session.transaction.message;
  const restrictions::Effects& effects = session.transaction.effects;
  message.append(RecordType::extracted, {});
  tell_fate(session.transaction);
  if (!effects.filter.empty()) message.append(RecordType::filter, effects.filter);
  if (!effects.redirect.empty()) message.append(RecordType::redirect, effects.redirect);
  for (const std::string& bcc : effects.bcc) {
    attribute(message, "notify_flags", std::to_string(queue::notify::kNever));
    message.append(RecordType::recipient, bcc);
  }
}

Next cannot_queue(Session& session, const io::StreamError& error) {
  logging::warning("smtpd.cleanup", "{id}: {error}", {{"id", session.id()}, {"error", error.what()}});
  return session.reply(
      {.code = 451, .status = "4.3.0", .text = "Error: queue file write error", .fault = Fault::resource});
}

}  // namespace smtpd
