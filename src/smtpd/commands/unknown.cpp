// What is no command: a mistake, or a program that speaks something else (HTTP, a mail message).
#include "base/text.h"
#include "logging/log.h"
#include "mail/header.h"
#include "smtpd/log.h"
#include "smtpd/session.h"
#include "smtpd/settings.h"

namespace smtpd {

bool is_forbidden(const Session& session, const CommandLine& line) {
  const std::string_view text = base::trim_left(line.text);
  const auto header = ::mail::header_start(text);
  if (header && text[header->name.size()] == ':') return true;
  const std::string_view verb = text.substr(0, text.find_first_of(" \t"));
  const auto listed = session.settings().forbidden_commands.has_string(verb);
  return listed && *listed;
}

Next unknown(Session& session, const CommandLine& line) {
  if (is_forbidden(session, line)) {
    logging::warning("smtpd.non_smtp", "non-SMTP command from {client}: {line}",
                     {{"client", session.client_label()}, {"line", escaped(line.text).substr(0, 100)}});
    session.erred = true;
    return session.reply(
        {.code = 221, .status = "2.7.0", .text = "Error: I can break rules, too. Goodbye.", .disconnect = true});
  }
  return session.reply(500, "5.5.2", "Error: command not recognized");
}

}  // namespace smtpd
