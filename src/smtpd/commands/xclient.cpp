// XCLIENT NAME=... ADDR=... PORT=... PROTO=... HELO=... LOGIN=... REVERSE_NAME=... DESTADDR=... DESTPORT=...
//
// A host that is trusted says for whom it speaks. From then on the session is that client's: it begins anew, with a
// greeting.
#include "smtpd/session.h"
#include "smtpd/settings.h"
#include "smtpd/shared.h"

namespace smtpd {

Next xclient(Session& session, const CommandLine& line) {
  const Settings& settings = session.settings();
  if (session.transaction.active()) return session.reply(503, "5.5.1", "Error: MAIL transaction in progress");
  if (line.words.empty()) return session.reply(501, "5.5.4", "Syntax: XCLIENT attribute=value...");
  if (!settings.trust.may_xclient(session.client)) {
    return session.reply(550, "5.7.0", "Error: insufficient authorization");
  }
  auto change = understand_xclient(session.client, line.words, settings.trust.families);
  if (!change) return session.reply(501, "5.5.4", change.error());

  (void)may_xforward(session);  // is decided by who has connected
  session.forget_hello();
  session.transcript.finish(session);
  session.client = std::move(change->client);
  session.helo = std::move(change->helo);
  session.protocol = std::move(change->protocol);
  session.sasl_method = change->login ? "XCLIENT" : "";
  session.sasl_username = std::move(change->login).value_or("");
  session.sasl_sender.clear();
  return session.begin_anew();
}

}  // namespace smtpd
