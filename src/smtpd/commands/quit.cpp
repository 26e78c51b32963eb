// QUIT
#include "smtpd/session.h"

namespace smtpd {

Next quit(Session& session, const CommandLine&) {
  session.reply(221, "2.0.0", "Bye");
  return Next::close;
}

}  // namespace smtpd
