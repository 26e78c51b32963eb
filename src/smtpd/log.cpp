#include "smtpd/log.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "config/old_defaults.h"
#include "logging/log.h"
#include "mail/address.h"
#include "smtpd/client_attributes.h"
#include "smtpd/content.h"
#include "smtpd/parameters.h"
#include "smtpd/settings.h"

namespace smtpd {

std::string escaped(std::string_view bytes) {
  constexpr std::string_view kNamed = "\a\b\t\n\v\f\r\\";
  constexpr std::string_view kNames = "abtnvfr\\";
  constexpr std::size_t kShown = 100;
  std::string text;
  for (const char c : bytes.substr(0, kShown)) {
    const std::size_t named = kNamed.find(c);
    if (named != std::string_view::npos)
      text += {'\\', kNames[named]};
    else if (base::is_printable(c))
      text += c;
    else
      text += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
  }
  return text;
}

std::string without_secrets(std::string_view bytes) {
  constexpr std::string_view kAuth = "AUTH";
  constexpr std::string_view kBlanks = " \t\r\n";
  for (std::size_t at = bytes.find_first_not_of(kBlanks); at < bytes.size();) {
    if (base::starts_with_folded(bytes.substr(at), kAuth)) {
      std::size_t end = at + kAuth.size();
      const std::size_t mechanism = bytes.find_first_not_of(" \t", end);
      if (mechanism > end && mechanism < bytes.size())
        end = std::min(bytes.find_first_of(kBlanks, mechanism), bytes.size());
      return fmt::format("{} {}", bytes.substr(0, end), kNotShown);
    }
    const std::size_t newline = bytes.find('\n', at);
    at = newline == std::string_view::npos ? newline : bytes.find_first_not_of(kBlanks, newline);
  }
  return std::string(bytes);
}

std::string Session::client_label() const {
  return client.name_and_address();
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
    add(commands()[i].verb.empty() ? "unknown" : base::lower(commands()[i].verb), count.ok, count.total);
  }
  if (total == 0)
    counts = " commands=0/0";
  else
    add("commands", ok, total);
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

void log_action(const Session& session, std::string_view action, std::string_view text) {
  std::optional<std::string_view> to;
  if (session.recipient)
    to = *session.recipient;
  else if (session.transaction.recipients == 1)
    to = session.transaction.first_recipient;
  logging::info("smtpd.action", "{id}: {action}: {stage} from {client}: {text}{fields}",
                {{"id", session.id()},
                 {"action", action},
                 {"stage", session.where},
                 {"client", session.client_label()},
                 {"text", text},
                 {"fields", session.fields(to)}});
}

void log_old_order(const Session& session) {
  config::log_old_default(
      fmt::format("smtpd_relay_before_recipient_restrictions=no to reject recipient \"{}\" from client \"{}\"",
                  session.recipient.value_or(""), session.client_label()));
}

void log_old_utf8(const Session& session, std::string_view role, std::string_view address) {
  if (!session.settings().old_utf8 || base::is_ascii(address)) return;
  config::log_old_default(fmt::format("smtputf8_enable=no to accept non-ASCII {} address \"{}\" from {}", role, address,
                                      session.client_label()));
}

void log_pipelining(const Session& session, std::string_view command, std::string_view waiting) {
  logging::info("smtpd.pipelining", "improper command pipelining after {command} from {client}: {text}",
                {{"command", command}, {"client", session.client_label()}, {"text", escaped(waiting)}});
}

void log_bad_address(const Session& session, std::string_view command, std::string_view typed) {
  if (!is_closed(typed)) return;  // it is hardly an address
  logging::warning(
      "smtpd.bad_address", "Illegal address syntax from {client} in {command} command: {address}",
      {{"client", session.client_label()}, {"command", command}, {"address", base::printable(typed.substr(0, 1000))}});
}

void log_abnormal_end(const Session& session, std::string_view what) {
  std::string where = session.where;
  // A client that leaves when its mail has been answered has lost nothing.
  if (where == kAfterMessage) return;
  const bool in_content = (where == "DATA" || where == "BDAT") && what != "too many errors";
  if (in_content && session.transaction.content)
    where += fmt::format(" ({} bytes)", session.transaction.content->received());
  logging::info("smtpd.ended", "{id}: {what} after {where} from {client}",
                {{"id", session.id()}, {"what", what}, {"where", where}, {"client", session.client_label()}});
}

}  // namespace smtpd
