// What is no command.
#include "smtpd/session.h"

namespace smtpd {

Next unknown(Session& session, const CommandLine&) {
  return session.reply(500, "5.5.2", "Error: command not recognized");
}

}  // namespace smtpd
