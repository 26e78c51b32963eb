// VRFY address [SMTPUTF8]
#include "base/text.h"
#include "smtpd/log.h"
#include "smtpd/parameters.h"
#include "smtpd/session.h"
#include "smtpd/settings.h"
#include "smtpd/shared.h"

namespace smtpd {

Next vrfy(Session& session, const CommandLine& line) {
  const Settings& settings = session.settings();
  if (settings.disable_vrfy) return session.reply(502, "5.5.1", "VRFY command is disabled");
  if (line.words.empty()) return session.reply(501, "5.5.4", "Syntax: VRFY address [SMTPUTF8]");
  std::string_view typed = line.rest;
  const bool utf8 = settings.smtputf8 && line.words.size() > 1 && base::equals_folded(line.words.back(), "SMTPUTF8");
  if (utf8)
    typed = base::trim_right(typed.substr(0, static_cast<std::size_t>(line.words.back().data() - typed.data())));
  std::string whole(typed);
  if (whole.starts_with('<') && !whole.contains('>')) whole += '>';
  const auto address = parse_address(whole, false);
  if (!address || address->address.empty() || !session.is_valid_address(address->address, utf8)) {
    log_bad_address(session, "VRFY", typed);
    return session.reply(501, "5.1.3", "Bad recipient address syntax");
  }
  if (settings.strict_smtputf8 && !utf8 && !base::is_ascii(address->address))
    return session.reply(553, "5.6.7", "Must declare SMTPUTF8 to send unicode address");
  session.recipient = address->address;
  if (const restrictions::Rules* rules = session.rules()) {
    if (const auto refused =
            session.refused(rules->at_rcpt(session.subject(restrictions::Stage::vrfy)), restrictions::Stage::vrfy))
      return *refused;
  }
  return session.reply(252, "2.0.0", typed);
}

}  // namespace smtpd
