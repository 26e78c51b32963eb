// Relay control: mail for our own domains and relay_domains, and no other.

#include <fmt/format.h>

#include "mail/address.h"
#include "restrictions/restriction.h"

namespace restrictions {

namespace {

enum class Destination { ours, foreign, unknown };

Destination destination_of(Evaluation& evaluation) {
  const auto& route = evaluation.route_of_recipient();
  if (!route) return Destination::unknown;
  if (!route->recipient.contains('@')) return Destination::ours;
  // user@elsewhere@here: who receives it is not what its last domain says.
  if (route->routed && !evaluation.environment.allow_untrusted_routing) return Destination::foreign;
  if (route->address_class == routing::AddressClass::other) return Destination::foreign;
  if (route->address_class == routing::AddressClass::relay && evaluation.environment.old_relay_domains) {
    evaluation.old_default(fmt::format("relay_domains=$mydestination to accept mail for domain \"{}\"",
                                       mail::split(route->recipient).domain));
  }
  return Destination::ours;
}

bool has_recipient(const Evaluation& evaluation) {
  return evaluation.subject.recipient.has_value();
}

Outcome table_error(Evaluation& evaluation) {
  return evaluation.untold_error(evaluation.recipient(), evaluation.route_of_recipient().error());
}

Outcome permit_auth_destination(Evaluation& evaluation) {
  if (!has_recipient(evaluation)) return dunno();
  switch (destination_of(evaluation)) {
    case Destination::ours:
      return evaluation.permit("permit_auth_destination", {}, evaluation.recipient());
    case Destination::foreign:
      return dunno();
    case Destination::unknown:
      break;
  }
  return table_error(evaluation);
}

Outcome refuse_foreign(Evaluation& evaluation, int code, std::string_view status) {
  if (!has_recipient(evaluation)) return dunno();
  switch (destination_of(evaluation)) {
    case Destination::ours:
      return dunno();
    case Destination::foreign:
      return evaluation.reject(Trouble::policy, code, status,
                               fmt::format("<{}>: Relay access denied", *evaluation.subject.recipient));
    case Destination::unknown:
      break;
  }
  return table_error(evaluation);
}

Outcome reject_unauth_destination(Evaluation& evaluation) {
  return refuse_foreign(evaluation, evaluation.environment.relay_domains_reject_code, "5.7.1");
}

Outcome defer_unauth_destination(Evaluation& evaluation) {
  constexpr int kFromRejectToDefer = 100;  // 554 becomes 454
  return refuse_foreign(evaluation, evaluation.environment.relay_domains_reject_code - kFromRejectToDefer, "4.7.1");
}

}  // namespace

std::span<const Name> destination_names() {
  static constexpr Name kNames[] = {
      {"permit_auth_destination", Argument::none, make_plain<permit_auth_destination>},
      {"reject_unauth_destination", Argument::none, make_plain<reject_unauth_destination>},
      {"defer_unauth_destination", Argument::none, make_plain<defer_unauth_destination>},
  };
  return kNames;
}

}  // namespace restrictions
