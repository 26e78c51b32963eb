// Names that nobody knows: reject_unknown_*.

#include <fmt/format.h>

#include <algorithm>

#include "config/param.h"
#include "dns/reply_filter.h"
#include "logging/log.h"
#include "mail/address.h"
#include "restrictions/dns_questions.h"
#include "restrictions/restriction.h"

namespace restrictions {

namespace {

namespace param = config::param;

// While the DNS fails nobody can be blamed for having no name.
int client_code(const Evaluation& evaluation, Client::Status status) {
  return status == Client::Status::temporary ? 450 : evaluation.environment.config[param::unknown_client_reject_code];
}

Outcome reject_unknown_client_hostname(Evaluation& evaluation) {
  const Client& client = evaluation.subject.client;
  if (client.name_status == Client::Status::found) return dunno();
  return evaluation.reject(Trouble::policy, client_code(evaluation, client.name_status), "4.7.25",
                           fmt::format("Client host rejected: cannot find your hostname, [{}]", client.address));
}

Outcome reject_unknown_reverse_client_hostname(Evaluation& evaluation) {
  const Client& client = evaluation.subject.client;
  if (client.reverse_status == Client::Status::found) return dunno();
  return evaluation.reject(
      Trouble::policy, client_code(evaluation, client.reverse_status), "4.7.1",
      fmt::format("Client host rejected: cannot find your reverse hostname, [{}]", client.address));
}

// What several questions about one name have brought.
enum class Known { yes, no, not_now, null_mx, malformed, filtered };

Known ask_in_turn(Evaluation& evaluation, std::string_view name, bool mx_first) {
  const DnsQuestions questions(evaluation);
  // Of both families, whatever inet_protocols says: who is known is known, and another machine may reach it.
  std::vector<dns::Type> types = {dns::Type::a, dns::Type::aaaa};
  types.insert(mx_first ? types.begin() : types.end(), dns::Type::mx);
  Known known = Known::no;
  for (const dns::Type type : types) {
    const dns::Answer answer = questions.ask(name, type);
    if (answer) {
      const bool null_mx =
          type == dns::Type::mx && std::ranges::any_of(*answer, [](const auto& mx) { return mx.data == "."; });
      return null_mx ? Known::null_mx : Known::yes;
    }
    if (is_malformed(answer.error())) return Known::malformed;
    if (answer.error().filtered) return Known::filtered;
    if (is_temporary(answer.error())) known = Known::not_now;
  }
  return known;
}

// There are records, and whoever keeps them from us knows why.
Outcome filtered(std::string_view name, std::string_view what) {
  logging::warning("restrictions.filtered", "{name}: {what} lookup error: {reason}",
                   {{"name", name}, {"what", what}, {"reason", dns::kFilteredWords}});
  return dunno();
}

Outcome reject_unknown_helo_hostname(Evaluation& evaluation) {
  if (!evaluation.subject.helo) return dunno();
  const Environment& environment = evaluation.environment;
  const Target helo = evaluation.helo();
  if (helo.name.starts_with('[')) {
    if (mail::is_valid_literal(helo.name)) return dunno();
    return evaluation.reject(environment.invalid_hostname_reject_code, "5.5.2", helo, "invalid ip address");
  }
  const int code = environment.config[param::unknown_hostname_reject_code];
  // No name that could be asked for: in HELO they are plain ASCII.
  if (!mail::is_valid_hostname(helo.name)) return evaluation.reject(code, "4.7.1", helo, "Host not found");
  switch (ask_in_turn(evaluation, helo.name, false)) {
    case Known::yes:
    case Known::null_mx:
      return dunno();
    case Known::not_now:
      return evaluation.temporary_failure(environment.unknown_helo_hostname_tempfail_action, Trouble::policy, 450,
                                          "4.7.1",
                                          fmt::format("<{}>: {} rejected: Host not found", helo.name, helo.kind));
    case Known::malformed:
      return evaluation.reject(code, "4.7.1", helo, "Malformed DNS server reply");
    case Known::filtered:
      return filtered(helo.name, "address or MX");
    case Known::no:
      break;
  }
  return evaluation.reject(code, "4.7.1", helo, "Host not found");
}

// How a domain that takes no mail at all is answered.
struct NullMx {
  int code;
  std::string_view status;
};

Outcome reject_unknown_domain(Evaluation& evaluation, const Evaluation::RouteAnswer& route, const Target& who,
                              std::string_view status, const NullMx& null_mx) {
  if (!route) return evaluation.untold_error(who, route.error());
  switch (route->address_class) {
    case routing::AddressClass::local:
    case routing::AddressClass::virtual_alias:
    case routing::AddressClass::virtual_mailbox:
      return dunno();  // ours
    case routing::AddressClass::relay:
    case routing::AddressClass::other:
      break;
  }
  const std::string_view domain = mail::split(route->recipient).domain;
  if (domain.empty() || domain.starts_with('[')) return dunno();
  const Environment& environment = evaluation.environment;
  const int code = environment.config[param::unknown_address_reject_code];
  switch (ask_in_turn(evaluation, domain, true)) {
    case Known::yes:
      return dunno();
    case Known::null_mx:
      return evaluation.reject(null_mx.code, null_mx.status, who,
                               fmt::format("Domain {} does not accept mail (nullMX)", domain));
    case Known::not_now:
      return evaluation.temporary_failure(environment.unknown_address_tempfail_action, Trouble::policy, 450, status,
                                          fmt::format("<{}>: {} rejected: Domain not found", who.name, who.kind));
    case Known::malformed:
      return evaluation.reject(code, status, who, "Malformed DNS server reply");
    case Known::filtered:
      return filtered(domain, "MX or address");
    case Known::no:
      break;
  }
  return evaluation.reject(code, status, who, "Domain not found");
}

Outcome reject_unknown_sender_domain(Evaluation& evaluation) {
  if (!evaluation.subject.sender || evaluation.subject.sender->empty()) return dunno();
  return reject_unknown_domain(evaluation, evaluation.route_of_sender(), evaluation.sender(), "4.1.8", {550, "5.7.27"});
}

Outcome reject_unknown_recipient_domain(Evaluation& evaluation) {
  if (!evaluation.subject.recipient || evaluation.subject.recipient->empty()) return dunno();
  return reject_unknown_domain(evaluation, evaluation.route_of_recipient(), evaluation.recipient(), "4.1.2",
                               {556, "5.1.10"});
}

}  // namespace

std::span<const Name> host_names() {
  static constexpr Name kNames[] = {
      {"reject_unknown_client_hostname", Argument::none, make_plain<reject_unknown_client_hostname>},
      {"reject_unknown_client", Argument::none, make_plain<reject_unknown_client_hostname>},
      {"reject_unknown_reverse_client_hostname", Argument::none, make_plain<reject_unknown_reverse_client_hostname>},
      {"reject_unknown_helo_hostname", Argument::none, make_plain<reject_unknown_helo_hostname>},
      {"reject_unknown_hostname", Argument::none, make_plain<reject_unknown_helo_hostname>},
      {"reject_unknown_sender_domain", Argument::none, make_plain<reject_unknown_sender_domain>},
      {"reject_unknown_address", Argument::none, make_plain<reject_unknown_sender_domain>},
      {"reject_unknown_recipient_domain", Argument::none, make_plain<reject_unknown_recipient_domain>},
  };
  return kNames;
}

}  // namespace restrictions
