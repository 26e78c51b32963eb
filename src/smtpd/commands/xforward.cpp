// XFORWARD NAME=... ADDR=... PORT=... PROTO=... HELO=... IDENT=... SOURCE=...
//
// A content filter that hands mail back says where it came from, for the logs alone. It may take several commands, and
// holds for the next message.
#include "smtpd/session.h"
#include "smtpd/settings.h"

namespace smtpd {

Next xforward(Session& session, const CommandLine& line) {
  const Settings& settings = session.settings();
  if (session.transaction.active()) return session.reply(503, "5.5.1", "Error: MAIL transaction in progress");
  if (line.words.empty()) return session.reply(501, "5.5.4", "Syntax: XFORWARD attribute=value...");
  if (!may_xforward(session)) {
    return session.reply(550, "5.7.0", "Error: insufficient authorization");
  }
  auto forwarding = understand_xforward(session.forwarded, line.words, settings.trust.families);
  if (!forwarding) return session.reply(501, "5.5.4", forwarding.error());
  session.forwarded = std::move(*forwarding);
  return session.reply(250, "2.0.0", "Ok");
}

}  // namespace smtpd
