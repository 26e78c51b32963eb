// ETRN domain, @domain, #domain, [address]
#include <fmt/format.h>

#include "client/flush_client.h"
#include "logging/log.h"
#include "mail/address.h"
#include "smtpd/session.h"
#include "smtpd/settings.h"
#include "smtpd/shared.h"

namespace smtpd {

Next etrn(Session& session, const CommandLine& line) {
  const Settings& settings = session.settings();
  if (session.owes_hello()) return session.reply(503, "", "Error: send HELO/EHLO first");
  if (session.transaction.active()) return session.reply(503, "", "Error: MAIL transaction in progress");
  if (line.words.size() != 1) return session.reply(500, "", "Syntax: ETRN domain");
  std::string_view site = line.words[0];
  if (site.starts_with('@') || site.starts_with('#')) site.remove_prefix(1);
  if (!::mail::is_valid_hostname(site) && !::mail::is_valid_literal(site))
    return session.reply(501, "", "Error: invalid parameter syntax");
  session.etrn_domain = site;
  struct Forget {
    Session& session;
    ~Forget() { session.etrn_domain.clear(); }
  } forget{session};
  if (const restrictions::Rules* rules = session.shared.rules()) {
    if (const auto refused =
            session.refused(rules->at_etrn(session.subject(restrictions::Stage::etrn)), restrictions::Stage::etrn))
      return *refused;
  }
  const auto listed = settings.flush_domains.has_domain(site);
  if (listed && !*listed) {
    logging::warning("smtpd.etrn", "reject: ETRN {site}... from {client}",
                     {{"site", std::string_view(site).substr(0, 100)}, {"client", session.client_label()}});
    return session.reply({.code = 459, .text = fmt::format("<{}>: service unavailable", site), .fault = Fault::none});
  }
  if (!listed || session.shared.parts().stand_alone) return session.reply(458, "", "Unable to queue messages");
  if (settings.old_flush_domains) client::log_old_flush_domains(client::FlushRequest::Action::send_site, site);
  const auto status =
      client::ask_flush(settings.flush_path,
                        {.action = client::FlushRequest::Action::send_site, .site = std::string(site), .queue_id = {}},
                        io::Deadline::after(settings.ipc_timeout));
  if (!status) {
    logging::warning("smtpd.flush", "{error}", {{"error", status.error().text}});
    return session.reply(458, "", "Unable to queue messages");
  }
  switch (*status) {
    case client::FlushStatus::ok:
      return session.reply(250, "", "Queuing started");
    case client::FlushStatus::not_configured:
      return session.reply({.code = 459, .text = fmt::format("<{}>: service unavailable", site), .fault = Fault::none});
    case client::FlushStatus::bad_parameter:
    case client::FlushStatus::failed:
      break;
  }
  return session.reply(458, "", "Unable to queue messages");
}

}  // namespace smtpd
