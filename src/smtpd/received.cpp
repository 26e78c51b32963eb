#include "smtpd/received.h"

#include <fmt/format.h>

#include "base/text.h"
#include "config/param.h"
#include "mail/address.h"
#include "mail/text.h"
#include "smtpd/settings.h"

namespace smtpd {

namespace param = config::param;

namespace {

// "ESMTPSA": RFC 3848 and RFC 6531.
std::string protocol_of(const Session& session) {
  const bool extended = session.protocol == "ESMTP";
  std::string result = session.transaction.smtputf8 ? "UTF8SMTP" : session.protocol.empty() ? "SMTP" : session.protocol;
  if (extended || session.transaction.smtputf8) {
    if (session.tls.active) result += 'S';
    if (session.authenticated()) result += 'A';
  }
  return result;
}

std::string bracketed_address(const restrictions::Client& client) {
  return client.is_ipv6() ? "IPv6:" + client.address : client.address;
}

// What stays within the parentheses around it, whatever a user has chosen for a name.
std::string in_comment(std::string_view text) {
  std::string result;
  std::size_t open = 0;
  for (const char c : text) {
    const bool closes_ours = c == ')' && open == 0;
    const bool fit = base::is_printable(c) && c != '\\' && !closes_ours;
    result += fit ? c : '?';
    if (fit && c == '(') ++open;
    if (fit && c == ')') --open;
  }
  return result.append(open, ')');
}

}  // namespace

std::vector<std::string> received_header(const Session& session, std::time_t now) {
  const Settings& settings = session.settings();
  const Transaction& transaction = session.transaction;
  std::vector<std::string> lines;
  if (!settings.hide_client) {
    lines.push_back(fmt::format("Received: from {} ({} [{}])",
                                session.helo.empty() ? session.client.name : session.helo, session.client.name,
                                bracketed_address(session.client)));
    if (session.tls.active && settings.tls_received_header) {
      for (const std::string& line : tls::received_lines(session.tls)) lines.push_back("\t" + line);
    }
    if (session.authenticated() && settings.auth_received_header)
      lines.push_back(fmt::format("\t(Authenticated sender: {})", in_comment(session.sasl_username)));
  }
  std::string by = settings.hide_client ? "Received:" : "\t";
  by += fmt::format("{}by {} ({})", settings.hide_client ? " " : "", settings.myhostname, settings.mail_name);
  if (!settings.hide_client) by += " with " + protocol_of(session);
  by += fmt::format(" id {}", session.id());
  if (transaction.recipients == 1) {
    lines.push_back(std::move(by));
    lines.push_back(fmt::format("\tfor {}; {}", transaction.last_recipient, mail::date(now)));
  } else {
    lines.push_back(by + ";");
    lines.push_back("\t" + mail::date(now));
  }
  return lines;
}

}  // namespace smtpd
