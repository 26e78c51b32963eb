// MAIL FROM:<sender> [parameters]
#include "base/text.h"
#include "mail/address.h"
#include "queue/id.h"
#include "smtpd/session.h"
#include "smtpd/settings.h"

namespace smtpd {

Next mail(Session& session, const CommandLine& line) {
  if (session.transaction.active()) return session.reply(503, "5.5.1", "Error: nested MAIL command");
  const auto open = line.rest.find('<');
  const auto close = line.rest.find('>');
  if (!base::starts_with_folded(line.rest, "FROM:") || open == std::string_view::npos || close < open)
    return session.reply(501, "5.5.4", "Syntax: MAIL FROM:<address>");
  session.transaction = Transaction();  // what XFORWARD said holds for it
  session.transaction.sender = ::mail::unquote(line.rest.substr(open + 1, close - open - 1));
  session.transaction.arrival = queue::now();
  return session.reply(250, "2.1.0", "Ok");
}

}  // namespace smtpd
