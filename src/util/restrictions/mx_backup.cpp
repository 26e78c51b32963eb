// permit_mx_backup: mail for domains that have this machine among their mail exchangers, behind others.

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/word_list.h"
#include "config/param.h"
#include "mail/address.h"
#include "restrictions/dns_questions.h"
#include "restrictions/restriction.h"
#include "routing/own_addresses.h"

namespace restrictions {

namespace {

namespace param = config::param;

class MxBackup : public Restriction {
 public:
  explicit MxBackup(const Environment& environment)
      : own_(environment.config),
        networks_("permit_mx_backup_networks", environment.config[param::permit_mx_backup_networks],
                  environment.table_settings,
                  {.parent_matches_subdomains = base::has_word(
                       environment.config[param::parent_domain_matches_subdomains], "permit_mx_backup_networks")}) {
    const auto mistakes = networks_.check();
    if (!mistakes.empty()) throw Mistake(mistakes.front().text);
  }

  Outcome ask(Evaluation& evaluation) const override;
  bool has_changed() const override { return networks_.has_changed(); }

 private:
  bool is_mine(Evaluation& evaluation, const DnsQuestions& questions, std::string_view host) const;
  bool is_in_networks(Evaluation& evaluation, const DnsQuestions& questions, std::string_view host) const;

  routing::OwnAddresses own_;
  table::MatchList networks_;
};

// Whoever cannot be looked up now may turn out to be what is needed: a rejection that comes later is put off.
void put_off(Evaluation& evaluation, std::string_view what) {
  const Target who = evaluation.recipient();
  evaluation.defer_if_reject(
      Trouble::policy, 450, "4.4.4",
      fmt::format("<{}>: {} rejected: Unable to look up mail exchanger {}", who.name, who.kind, what));
}

dns::Answer addresses_or_put_off(Evaluation& evaluation, const DnsQuestions& questions, std::string_view host) {
  dns::Answer addresses = questions.addresses_of(host);
  if (!addresses) put_off(evaluation, fmt::format("host {}: {}", host, dns::system_words(addresses.error().kind)));
  return addresses;
}

std::string literal_of(std::string_view address) {
  return address.contains(':') ? fmt::format("[ipv6:{}]", address) : fmt::format("[{}]", address);
}

bool MxBackup::is_mine(Evaluation& evaluation, const DnsQuestions& questions, std::string_view host) const {
  const dns::Answer addresses = addresses_or_put_off(evaluation, questions, host);
  return addresses &&
         std::ranges::any_of(*addresses, [&](const dns::Record& record) { return own_.has(literal_of(record.data)); });
}

// All addresses of it.
bool MxBackup::is_in_networks(Evaluation& evaluation, const DnsQuestions& questions, std::string_view host) const {
  const dns::Answer addresses = addresses_or_put_off(evaluation, questions, host);
  if (!addresses) return false;
  return std::ranges::all_of(*addresses, [&](const dns::Record& record) {
    const auto found = networks_.has_host("unknown", record.data);
    return found && *found;
  });
}

Outcome MxBackup::ask(Evaluation& evaluation) const {
  if (!evaluation.subject.recipient || evaluation.subject.recipient->empty()) return dunno();
  const auto& route = evaluation.route_of_recipient();
  if (!route) return evaluation.untold_error(evaluation.recipient(), route.error());
  if (route->routed && !evaluation.environment.allow_untrusted_routing) return dunno();
  const std::string_view domain = mail::split(route->recipient).domain;
  if (domain.empty() || route->address_class != routing::AddressClass::other)
    return evaluation.permit("permit_mx_backup", {}, evaluation.recipient());
  if (domain.starts_with('[')) return dunno();

  const DnsQuestions questions(evaluation);
  const dns::Answer answer = questions.ask(domain, dns::Type::mx);
  if (!answer) {
    if (is_temporary(answer.error()))
      put_off(evaluation, fmt::format("information: {}", dns::dns_words(answer.error())));
    return dunno();
  }
  std::multimap<int, std::string_view> servers;  // by preference
  for (const dns::Record& mx : *answer) {
    if (mx.data == ".") return dunno();
    servers.emplace(mx.preference, mx.data);
  }
  const auto mine =
      std::ranges::find_if(servers, [&](const auto& mx) { return is_mine(evaluation, questions, mx.second); });
  if (mine == servers.end()) return dunno();
  // As the first of them this machine would be where the mail ends, and it does not know the domain.
  const int best = servers.begin()->first;
  if (mine->first == best) return dunno();
  if (!networks_.empty()) {
    for (auto [mx, end] = servers.equal_range(best); mx != end; ++mx) {
      if (!is_in_networks(evaluation, questions, mx->second)) return dunno();
    }
  }
  return evaluation.permit("permit_mx_backup", {}, evaluation.recipient());
}

}  // namespace

std::span<const Name> backup_names() {
  static constexpr Name kNames[] = {
      {"permit_mx_backup", Argument::none,
       [](const Environment& environment, std::string_view) -> std::unique_ptr<Restriction> {
         return std::make_unique<MxBackup>(environment);
       }},
  };
  return kNames;
}

}  // namespace restrictions
