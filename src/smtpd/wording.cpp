#include "smtpd/wording.h"

#include <ctime>

#include "logging/log.h"
#include "mail/address.h"
#include "smtpd/session.h"
#include "smtpd/settings.h"

namespace smtpd {

namespace {

std::string local_time() {
  const std::time_t now = std::time(nullptr);
  struct tm parts{};
  char text[64] = "";
  if (::localtime_r(&now, &parts) == nullptr) return {};
  return std::string(text, std::strftime(text, sizeof text, "%b %d %H:%M:%S", &parts));
}

std::optional<std::string> of_address(std::string_view name, std::string_view kind,
                                      const std::optional<std::string>& address) {
  if (!name.starts_with(kind)) return std::nullopt;
  name.remove_prefix(kind.size());
  const std::string_view text = !address ? "" : address->empty() ? "<>" : std::string_view(*address);
  if (name.empty()) return std::string(text);
  const auto parts = mail::split(text);
  if (name == "_name") return std::string(parts.local);
  if (name == "_domain") return std::string(parts.domain);
  return std::nullopt;
}

std::optional<std::string> value_of(const Session& session, std::string_view name) {
  const restrictions::Client& client = session.client;
  if (name == "client") return client.name_and_address();
  if (name == "client_address") return client.address;
  if (name == "client_name") return client.name;
  if (name == "client_port") return client.port;
  if (name == "reverse_client_name") return client.reverse_name;
  if (name == "helo_name") return session.helo;
  if (name == "localtime") return local_time();
  if (name == "server_name") return session.settings().myhostname;
  if (auto sender = of_address(name, "sender", session.transaction.sender)) return sender;
  // The first who has been accepted, not who is being refused.
  const Transaction& transaction = session.transaction;
  if (transaction.recipients == 0) return of_address(name, "recipient", std::nullopt);
  return of_address(name, "recipient", transaction.first_recipient);
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
