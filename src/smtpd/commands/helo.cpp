// HELO host
// EHLO host
#include "base/text.h"
#include "smtpd/session.h"
#include "smtpd/settings.h"

namespace smtpd {

Next helo(Session& session, const CommandLine& line) {
  if (line.words.empty()) return session.reply(501, "", "Syntax: HELO hostname");
  session.reset_transaction();
  session.helo = base::printable(line.rest);
  session.protocol = "SMTP";
  return session.reply(250, "", session.settings().myhostname);
}

Next ehlo(Session& session, const CommandLine& line) {
  if (line.words.empty()) return session.reply(501, "", "Syntax: EHLO hostname");
  session.reset_transaction();
  session.helo = base::printable(line.rest);
  session.protocol = "ESMTP";
  return session.reply(
      {.code = 250, .text = session.settings().myhostname, .lines = {"PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME"}});
}

}  // namespace smtpd
