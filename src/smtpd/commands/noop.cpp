// NOOP [anything]
#include "smtpd/session.h"

namespace smtpd {

Next noop(Session& session, const CommandLine&) {
  return session.reply(250, "2.0.0", "Ok");
}

}  // namespace smtpd
