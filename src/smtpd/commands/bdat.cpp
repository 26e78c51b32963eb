// BDAT size [LAST]
#include "smtpd/session.h"

namespace smtpd {

Next bdat(Session& session, const CommandLine&) {
  return session.reply({.code = 521, .status = "5.5.1", .text = "Error: command not implemented", .disconnect = true});
}

}  // namespace smtpd
