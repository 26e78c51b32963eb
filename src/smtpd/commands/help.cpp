// HELP
#include "smtpd/session.h"

namespace smtpd {

Next help(Session& session, const CommandLine&) {
  return session.reply(214, "2.0.0", "https://www.postfix.org/");
}

}  // namespace smtpd
