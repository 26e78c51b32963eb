// HELP [anything]
#include "smtpd/session.h"

namespace smtpd {

Next help(Session& session, const CommandLine&) {
  Reply reply{.code = 214, .status = "2.0.0", .text = "Commands:"};
  for (const Command& command : commands())
    if (!command.verb.empty()) reply.text += " " + std::string(command.verb);
  return session.reply(std::move(reply));
}

}  // namespace smtpd
