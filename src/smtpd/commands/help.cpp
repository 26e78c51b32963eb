// HELP [anything]
#include <fmt/format.h>

#include <set>

#include "smtpd/session.h"

namespace smtpd {

Next help(Session& session, const CommandLine&) {
  Reply reply{.code = 214, .status = "2.0.0", .text = "Commands:"};
  std::set<std::string_view> verbs;
  for (const Command& command : commands()) verbs.insert(command.verb);
  verbs.erase("");
  for (const std::string_view verb : verbs) reply.text += fmt::format(" {}", verb);
  return session.reply(std::move(reply));
}

}  // namespace smtpd
