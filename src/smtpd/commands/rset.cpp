// RSET
#include "smtpd/session.h"

namespace smtpd {

Next rset(Session& session, const CommandLine& line) {
  if (!line.words.empty()) return session.reply(501, "5.5.4", "Syntax: RSET");
  session.reset_transaction();
  return session.reply(250, "2.0.0", "Ok");
}

}  // namespace smtpd
