// RCPT TO:<recipient> [parameters]
#include "base/text.h"
#include "mail/address.h"
#include "smtpd/envelope.h"
#include "smtpd/session.h"
#include "smtpd/settings.h"

namespace smtpd {

Next rcpt(Session& session, const CommandLine& line) {
  Transaction& transaction = session.transaction;
  if (!transaction.active()) return session.reply(503, "5.5.1", "Error: need MAIL command");
  const auto open = line.rest.find('<');
  const auto close = line.rest.find('>');
  if (!base::starts_with_folded(line.rest, "TO:") || open == std::string_view::npos || close < open)
    return session.reply(501, "5.5.4", "Syntax: RCPT TO:<address>");
  const std::string address = ::mail::unquote(line.rest.substr(open + 1, close - open - 1));
  try {
    if (!transaction.message) open_message(session);
    add_recipient(session, address, {});
  } catch (const io::StreamError&) {
    return session.reply(451, "4.3.0", "Error: queue file write error");
  }
  ++transaction.recipients;
  transaction.last_recipient = "<" + address + ">";
  return session.reply(250, "2.1.5", "Ok");
}

}  // namespace smtpd
