#include "smtpd/trust.h"

#include <fmt/format.h>

#include "base/text.h"
#include "config/param.h"
#include "logging/log.h"
#include "smtpd/haproxy.h"
#include "smtpd/session.h"
#include "smtpd/settings.h"
#include "smtpd/shared.h"

namespace smtpd {

namespace param = config::param;

namespace {

bool is_proxied(const config::Config& config) {
  const std::string& protocol = config[param::smtpd_upstream_proxy_protocol];
  if (protocol.empty()) return false;
  if (protocol == "haproxy") return true;
  throw base::Fatal(
      fmt::format("parameter smtpd_upstream_proxy_protocol: unknown protocol \"{}\"; use haproxy, or "
                  "leave it empty",
                  base::printable(protocol)));
}

}  // namespace

Trust::Trust(const Lists& lists)
    : families(Families::of(lists.config[param::inet_protocols])),
      proxied(is_proxied(lists.config)),
      proxy_time(lists.config[param::smtpd_upstream_proxy_timeout]),
      xclient_hosts_(lists.clients("smtpd_authorized_xclient_hosts", param::smtpd_authorized_xclient_hosts)),
      xforward_hosts_(lists.clients("smtpd_authorized_xforward_hosts", param::smtpd_authorized_xforward_hosts)) {}

bool Trust::may_xclient(const restrictions::Client& client) const {
  return xclient_hosts_.has(client);
}

bool Trust::may_xforward(const restrictions::Client& client) const {
  return xforward_hosts_.has(client);
}

bool may_xclient(Session& session) {
  if (!session.speaks_for_others) session.speaks_for_others = session.settings().trust.may_xclient(session.client);
  return *session.speaks_for_others;
}

bool may_xforward(Session& session) {
  if (!session.forwards_for_others) {
    session.forwards_for_others = session.settings().trust.may_xforward(session.client);
  }
  return *session.forwards_for_others;
}

bool take_proxy_header(Session& session) {
  const Trust& trust = session.settings().trust;
  if (!trust.proxied || session.shared.parts().stand_alone) return true;
  const auto header = haproxy::read(session.stream, io::Deadline::after(trust.proxy_time), trust.families);
  if (!header) {
    logging::warning("smtpd.haproxy", "{problem}", {{"problem", header.error()}});
    return false;
  }
  if (header->is_local) return true;
  const bool shows_port = session.client.shows_port;
  session.client = {};  // a proxy at a UNIX socket has a name; its client does not have it
  session.client.shows_port = shows_port;
  session.client.address = header->client_address;
  session.client.port = header->client_port;
  session.client.server_address = header->server_address;
  session.client.server_port = header->server_port;
  return true;
}

}  // namespace smtpd
