// Names and addresses as they are written: reject_invalid_helo_hostname, reject_non_fqdn_*.

#include "config/param.h"
#include "mail/address.h"
#include "restrictions/restriction.h"

namespace restrictions {

namespace {

// A last dot is a way to say that a name is complete; two are none.
std::string_view without_last_dot(std::string_view name) {
  if (name.ends_with('.') && !name.ends_with("..")) name.remove_suffix(1);
  return name;
}

bool is_fully_qualified(std::string_view name, mail::Utf8 utf8) {
  name = without_last_dot(name);
  return name.contains('.') && mail::is_valid_hostname(name, utf8);
}

Outcome reject_invalid_literal(Evaluation& evaluation) {
  const Target helo = evaluation.helo();
  if (mail::is_valid_literal(helo.name)) return dunno();
  return evaluation.reject(evaluation.environment.invalid_hostname_reject_code, "5.5.2", helo, "invalid ip address");
}

Outcome reject_invalid_helo_hostname(Evaluation& evaluation) {
  if (!evaluation.subject.helo) return dunno();
  const Target helo = evaluation.helo();
  if (helo.name.starts_with('[')) return reject_invalid_literal(evaluation);
  const std::string_view name = without_last_dot(helo.name);
  if (mail::is_valid_hostname(name) || mail::is_numeric_domain(name)) return dunno();
  return evaluation.reject(evaluation.environment.invalid_hostname_reject_code, "5.5.2", helo, "Invalid name");
}

Outcome reject_non_fqdn_helo_hostname(Evaluation& evaluation) {
  if (!evaluation.subject.helo) return dunno();
  const Target helo = evaluation.helo();
  if (helo.name.starts_with('[')) return reject_invalid_literal(evaluation);
  if (is_fully_qualified(helo.name, mail::Utf8::no)) return dunno();
  return evaluation.reject(evaluation.environment.non_fqdn_reject_code, "5.5.2", helo, "need fully-qualified hostname");
}

Outcome reject_non_fqdn_address(Evaluation& evaluation, const Target& who) {
  if (who.name.empty()) return dunno();
  const auto domain = mail::split(who.name).domain;
  const auto utf8 = evaluation.environment.smtputf8 ? mail::Utf8::yes : mail::Utf8::no;
  if (domain.starts_with('[') || is_fully_qualified(domain, utf8)) return dunno();
  return evaluation.reject(evaluation.environment.non_fqdn_reject_code, "5.5.2", who, "need fully-qualified address");
}

Outcome reject_non_fqdn_sender(Evaluation& evaluation) {
  return reject_non_fqdn_address(evaluation, evaluation.sender());
}

Outcome reject_non_fqdn_recipient(Evaluation& evaluation) {
  return reject_non_fqdn_address(evaluation, evaluation.recipient());
}

}  // namespace

std::span<const Name> syntax_names() {
  static constexpr Name kNames[] = {
      {"reject_invalid_helo_hostname", Argument::none, make_plain<reject_invalid_helo_hostname>},
      {"reject_invalid_hostname", Argument::none, make_plain<reject_invalid_helo_hostname>},
      {"reject_non_fqdn_helo_hostname", Argument::none, make_plain<reject_non_fqdn_helo_hostname>},
      {"reject_non_fqdn_hostname", Argument::none, make_plain<reject_non_fqdn_helo_hostname>},
      {"reject_non_fqdn_sender", Argument::none, make_plain<reject_non_fqdn_sender>},
      {"reject_non_fqdn_recipient", Argument::none, make_plain<reject_non_fqdn_recipient>},
  };
  return kNames;
}

}  // namespace restrictions
