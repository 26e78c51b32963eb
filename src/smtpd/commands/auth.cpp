#include "smtpd/session.h"

namespace smtpd {

Next auth(Session& session, const CommandLine&) {
  return session.reply(502, "5.5.1", "Error: command not implemented");
}

}  // namespace smtpd
