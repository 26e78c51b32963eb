// Who may use which sender address: smtpd_sender_login_maps.

#include <fmt/format.h>

#include "base/text.h"
#include "logging/log.h"
#include "mail/address.h"
#include "restrictions/restriction.h"

namespace restrictions {

namespace {

using Owners = std::expected<std::optional<std::string>, table::Error>;

Owners owners_of_sender(Evaluation& evaluation) {
  const Environment& environment = evaluation.environment;
  const auto& route = evaluation.route_of_sender();
  if (!route) return std::unexpected(route.error());
  const auto local = environment.has_bare_names(*route);
  const auto found = evaluation.search(environment.sender_login_maps,
                                       table::sender_login_keys(route->recipient, environment.delimiters(), local));
  if (!found) return std::unexpected(found.error());
  if (!*found) return std::nullopt;
  return (*found)->value;
}

bool has_sender(const Evaluation& evaluation) {
  return evaluation.subject.sender && !evaluation.subject.sender->empty();
}

// Of a client that has logged in: the address must be his.
Outcome reject_foreign_address(Evaluation& evaluation, bool unowned_is_fine) {
  const std::string_view user = evaluation.subject.sasl_username;
  if (!has_sender(evaluation) || user.empty()) return dunno();
  const auto owners = owners_of_sender(evaluation);
  if (!owners) return evaluation.table_error(evaluation.sender(), owners.error());
  if (!*owners && unowned_is_fine) return dunno();
  if (*owners) {
    for (const std::string_view owner : base::split(**owners)) {
      if (base::equals_folded(owner, user)) return dunno();
    }
  }
  return evaluation.reject(553, "5.7.1", evaluation.sender(), fmt::format("not owned by user {}", user));
}

// Of a client that has not: the address must be nobody's.
Outcome reject_owned_address(Evaluation& evaluation) {
  if (!has_sender(evaluation) || !evaluation.subject.sasl_username.empty()) return dunno();
  const auto owners = owners_of_sender(evaluation);
  if (!owners) return evaluation.table_error(evaluation.sender(), owners.error());
  if (!*owners) return dunno();
  return evaluation.reject(553, "5.7.1", evaluation.sender(), "not logged in");
}

Outcome reject_authenticated_sender_login_mismatch(Evaluation& evaluation) {
  if (lacks_sasl(evaluation, "reject_authenticated_sender_login_mismatch")) return dunno();
  return reject_foreign_address(evaluation, false);
}

Outcome reject_unauthenticated_sender_login_mismatch(Evaluation& evaluation) {
  if (lacks_sasl(evaluation, "reject_unauthenticated_sender_login_mismatch")) return dunno();
  return reject_owned_address(evaluation);
}

Outcome reject_known_sender_login_mismatch(Evaluation& evaluation) {
  if (lacks_sasl(evaluation, "reject_known_sender_login_mismatch")) return dunno();
  return evaluation.subject.sasl_username.empty() ? reject_owned_address(evaluation)
                                                  : reject_foreign_address(evaluation, true);
}

Outcome reject_sender_login_mismatch(Evaluation& evaluation) {
  Outcome outcome = reject_authenticated_sender_login_mismatch(evaluation);
  return outcome.verdict == Outcome::Verdict::dunno ? reject_unauthenticated_sender_login_mismatch(evaluation)
                                                    : outcome;
}

}  // namespace

bool lacks_sasl(const Evaluation& evaluation, std::string_view restriction) {
  if (evaluation.environment.sasl_enabled) return false;
  logging::warning("restrictions.no_sasl", "restriction `{restriction}' ignored: no SASL support",
                   {{"restriction", restriction}});
  return true;
}

std::span<const Name> login_names() {
  static constexpr Name kNames[] = {
      {"reject_sender_login_mismatch", Argument::none, make_plain<reject_sender_login_mismatch>},
      {"reject_authenticated_sender_login_mismatch", Argument::none,
       make_plain<reject_authenticated_sender_login_mismatch>},
      {"reject_unauthenticated_sender_login_mismatch", Argument::none,
       make_plain<reject_unauthenticated_sender_login_mismatch>},
      {"reject_known_sender_login_mismatch", Argument::none, make_plain<reject_known_sender_login_mismatch>},
  };
  return kNames;
}

}  // namespace restrictions
