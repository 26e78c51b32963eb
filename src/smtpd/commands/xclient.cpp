// XCLIENT NAME=... ADDR=... PORT=... PROTO=... HELO=... LOGIN=... REVERSE_NAME=... DESTADDR=... DESTPORT=...
//
// A host that is trusted says for whom it speaks. From then on the session is that client's: it begins anew, with a
// greeting.
#include <optional>
#include <span>

#include "smtpd/session.h"
#include "smtpd/settings.h"
#include "smtpd/shared.h"

namespace smtpd {

namespace {

void take(Session& session, ClientChange change) {
  session.client = std::move(change.client);
  if (change.helo) session.helo = std::move(*change.helo);
  if (change.protocol) session.protocol = std::move(*change.protocol);
  if (!change.login) return;
  session.sasl_method = change.login->empty() ? "" : "XCLIENT";
  session.sasl_username = std::move(*change.login);
  session.sasl_sender.clear();
}

// What stands before a mistake is believed, as in Postfix: who goes on after a refusal had better not pass for the
// proxy itself. Logs go on to name whom they have named.
void take_what_is_understood(Session& session, std::span<const std::string_view> words) {
  const Families& families = session.settings().trust.families;
  std::optional<ClientChange> understood;
  for (std::size_t count = 1; count < words.size(); ++count) {
    auto change = understand_xclient(session.client, words.first(count), families);
    if (!change) break;
    understood = std::move(*change);
  }
  if (!understood) return;
  understood->client.known_as = session.client.name_and_address();
  take(session, std::move(*understood));
}

}  // namespace

Next xclient(Session& session, const CommandLine& line) {
  const Settings& settings = session.settings();
  if (session.transaction.active()) return session.reply(503, "5.5.1", "Error: MAIL transaction in progress");
  if (line.words.empty()) return session.reply(501, "5.5.4", "Syntax: XCLIENT attribute=value...");
  if (!may_xclient(session)) {
    return session.reply(550, "5.7.0", "Error: insufficient authorization");
  }
  auto change = understand_xclient(session.client, line.words, settings.trust.families);
  if (!change) {
    take_what_is_understood(session, line.words);
    return session.reply(501, "5.5.4", change.error());
  }
  (void)may_xforward(session);  // is decided by who has connected
  session.forget_hello();
  session.transcript.finish(session);
  change->client.known_as.clear();
  if (!change->helo) change->helo = "";
  if (!change->protocol) change->protocol = "SMTP";
  if (!change->login) change->login = "";
  take(session, std::move(*change));
  session.speaks_for_others.reset();
  return session.begin_anew();
}

}  // namespace smtpd
