#include "smtpd/trust.h"

#include <fmt/format.h>

#include <algorithm>

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

table::MatchList hosts(const config::Config& config, std::string_view name, config::TextKey key) {
  const auto parents = base::split(config[param::parent_domain_matches_subdomains]);
  const bool subdomains = std::ranges::find(parents, name) != parents.end();
  return {name, config[key], table::Settings::from(config), {.parent_matches_subdomains = subdomains}};
}

bool has(const table::MatchList& list, const restrictions::Client& client) {
  if (list.empty()) return false;
  const auto answer = list.has_host(client.name, client.address);
  if (answer) return *answer;
  logging::warning("smtpd.list_failed", "{reason}", {{"reason", answer.error().text}});
  return false;
}

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

Trust::Trust(const config::Config& config)
    : families(Families::of(config[param::inet_protocols])),
      proxied(is_proxied(config)),
      proxy_time(config[param::smtpd_upstream_proxy_timeout]),
      xclient_hosts_(hosts(config, "smtpd_authorized_xclient_hosts", param::smtpd_authorized_xclient_hosts)),
      xforward_hosts_(hosts(config, "smtpd_authorized_xforward_hosts", param::smtpd_authorized_xforward_hosts)) {}

bool Trust::may_xclient(const restrictions::Client& client) const {
  return has(xclient_hosts_, client);
}

bool Trust::may_xforward(const restrictions::Client& client) const {
  return has(xforward_hosts_, client);
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
  session.client = {};  // a proxy at a UNIX socket has a name; its client does not have it
  session.client.address = header->client_address;
  session.client.port = header->client_port;
  session.client.server_address = header->server_address;
  session.client.server_port = header->server_port;
  return true;
}

}  // namespace smtpd
