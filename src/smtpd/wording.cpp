#include "smtpd/wording.h"

#include "logging/log.h"
#include "smtpd/session.h"
#include "smtpd/settings.h"

namespace smtpd {

namespace {

std::optional<std::string> value_of(const Session& session, std::string_view name) {
  const Transaction& transaction = session.transaction;
  std::optional<std::string> first_recipient;
  if (transaction.recipients > 0) first_recipient = transaction.first_recipient;
  return restrictions::footer_value({.client = session.client,
                                     .helo = session.helo,
                                     .sender = transaction.sender,
                                     .recipient = std::move(first_recipient),
                                     .server_name = session.settings().myhostname},
                                    name);
}

}  // namespace

Reply filtered(const Session& session, Reply reply) {
  const RejectText& text = session.settings().reject_text;
  if (!text.filters() || !reply.is_error()) return reply;
  auto other = text.filtered(reply);
  if (!other) return reply;
  logging::info("smtpd.reply_filter", "{id}: reply filter in: {reply}",
                {{"id", session.id()}, {"reply", reply.line()}});
  logging::info("smtpd.reply_filter", "{id}: reply filter out: {reply}",
                {{"id", session.id()}, {"reply", other->line()}});
  other->disconnect = reply.disconnect;
  return std::move(*other);
}

Reply with_footer(const Session& session, Reply reply) {
  const RejectText& text = session.settings().reject_text;
  if (!text.has_footers() || !reply.is_error()) return reply;
  text.add_footer(reply, [&session](std::string_view name) { return value_of(session, name); });
  return reply;
}

std::optional<std::string> command_to_take(const Session& session, std::string_view command) {
  const CommandFilter& filter = session.settings().command_filter;
  if (filter.empty()) return std::string(command);
  auto other = filter.replacement(command);
  if (!other) {
    logging::warning("smtpd.command_filter", "smtpd_command_filter: {reason}", {{"reason", other.error().text}});
    return std::nullopt;
  }
  if (!*other) return std::string(command);
  constexpr std::size_t kShown = 100;
  logging::info("smtpd.command_filter", "{client}: replacing command \"{command}\" with \"{other}\"",
                {{"client", session.client_label()},
                 {"command", command.substr(0, kShown)},
                 {"other", std::string_view(**other).substr(0, kShown)}});
  return std::move(*other);
}

}  // namespace smtpd
