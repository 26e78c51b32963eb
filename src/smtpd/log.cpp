#include "smtpd/log.h"

#include <fmt/format.h>

#include "logging/log.h"
#include "mail/address.h"
#include "smtpd/settings.h"

namespace smtpd {

std::string Session::client_label() const {
  std::string label = client.name_and_address();
  if (settings().port_logging) label += ":" + client.port;
  return label;
}

std::string_view Session::id() const {
  return transaction.message ? std::string_view(transaction.message->queue_id()) : "NOQUEUE";
}

std::string Session::fields(std::optional<std::string_view> to) const {
  const bool external = settings().external_addresses;
  std::string text;
  const auto add = [&text](std::string_view name, std::string_view value) {
    text += fmt::format("{} {}={}", text.empty() ? ";" : "", name, value);
  };
  if (transaction.sender) add("from", "<" + mail::for_log(*transaction.sender, external) + ">");
  if (to) add("to", "<" + mail::for_log(*to, external) + ">");
  if (!protocol.empty()) add("proto", protocol);
  if (!helo.empty()) add("helo", "<" + helo + ">");
  if (!sasl_method.empty()) add("sasl_method", sasl_method);
  if (!sasl_username.empty()) add("sasl_username", sasl_username);
  if (!transaction.sasl_sender.empty()) add("sasl_sender", transaction.sasl_sender);
  return text;
}

void log_connect(const Session& session) {
  logging::info("smtpd.connect", "connect from {client}", {{"client", session.client_label()}});
}

void log_disconnect(const Session& session) {
  std::string counts;
  int ok = 0;
  int total = 0;
  const auto add = [&counts](std::string_view name, int good, int all) {
    counts += fmt::format(" {}={}", name, good);
    if (good != all) counts += fmt::format("/{}", all);
  };
  for (std::size_t i = 0; i < commands().size(); ++i) {
    const Counters::OfCommand& count = session.counters.commands[i];
    if (count.total == 0) continue;
    ok += count.ok;
    total += count.total;
    std::string name;
    for (const char c : commands()[i].verb) name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    add(name.empty() ? "unknown" : name, count.ok, count.total);
  }
  add("commands", ok, total);
  if (total == 0) counts = " commands=0/0";
  if (!session.notes.empty()) counts += fmt::format(" notes={}", session.notes);
  logging::info("smtpd.disconnect", "disconnect from {client}{counts}",
                {{"client", session.client_label()}, {"counts", counts}});
}

void log_client(const Session& session) {
  std::string more;
  const auto add = [&more](std::string_view name, std::string_view value) {
    if (!value.empty()) more += fmt::format(", {}={}", name, value);
  };
  add("sasl_method", session.sasl_method);
  add("sasl_username", session.sasl_username);
  add("sasl_sender", session.transaction.sasl_sender);
  add("orig_queue_id", session.forwarded.ident);
  if (session.forwarded.tells_client)
    add("orig_client", logged_client(session.forwarded, session.client, session.helo, session.protocol,
                                     session.settings().port_logging)
                           .origin);
  logging::info("smtpd.client", "{id}: client={client}{more}",
                {{"id", session.id()}, {"client", session.client_label()}, {"more", more}});
}

void log_action(const Session& session, std::string_view action, restrictions::Stage stage, std::string_view text) {
  logging::info("smtpd.action", "{id}: {action}: {stage} from {client}: {text}{fields}",
                {{"id", session.id()},
                 {"action", action},
                 {"stage", restrictions::name_of(stage)},
                 {"client", session.client_label()},
                 {"text", text},
                 {"fields", session.fields(session.recipient)}});
}

void log_abnormal_end(const Session& session, std::string_view what, std::string_view where) {
  logging::info("smtpd.ended", "{id}: {what} after {where} from {client}",
                {{"id", session.id()}, {"what", what}, {"where", where}, {"client", session.client_label()}});
}

}  // namespace smtpd
