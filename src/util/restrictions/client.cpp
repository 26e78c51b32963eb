// What is known of the client without asking anybody: its address, its login, its certificate.

#include "restrictions/client.h"

#include <fmt/format.h>

#include <vector>

#include "base/text.h"

namespace restrictions {

namespace {

constexpr std::string_view kPermitInterfaces = "permit_inet_interfaces";

Outcome permit_inet_interfaces(Evaluation& evaluation) {
  const Client& client = evaluation.subject.client;
  if (!evaluation.environment.is_own_address(client.address)) return dunno();
  return evaluation.permit(kPermitInterfaces, {}, evaluation.client());
}

// Headers are completed for who has connected: what comes through a proxy on this machine (XCLIENT) comes from it.
Outcome connected_from_here(Evaluation& evaluation) {
  const Client& client = evaluation.subject.client;
  const std::string& address = client.connected_from.empty() ? client.address : client.connected_from;
  if (!evaluation.environment.is_own_address(address)) return dunno();
  return evaluation.permit(kPermitInterfaces, {}, evaluation.client());
}

Outcome permit_mynetworks(Evaluation& evaluation) {
  const Client& client = evaluation.subject.client;
  const auto listed = evaluation.environment.mynetworks.has_host(client.name, client.address);
  if (evaluation.observer != nullptr && listed) {
    const std::string yes = "listed";
    evaluation.observer->looked_up("mynetworks", client.address, *listed ? &yes : nullptr);
  }
  if (!listed) return evaluation.untold_error(evaluation.target, listed.error());
  if (!*listed) return dunno();
  const table::MatchList& newer = evaluation.environment.newer_networks;
  if (!newer.empty() && !newer.has_host(client.name, client.address).value_or(true)) {
    evaluation.old_default(
        fmt::format("mynetworks_style=subnet to permit request from client \"{}\"", evaluation.client().name));
  }
  return evaluation.permit("permit_mynetworks", {}, evaluation.client());
}

Outcome permit_sasl_authenticated(Evaluation& evaluation) {
  // A login that a trusted host tells of (XCLIENT) opens nothing where nobody may log in.
  if (!evaluation.environment.sasl_enabled || evaluation.subject.sasl_username.empty()) return dunno();
  return evaluation.permit("permit_sasl_authenticated", {}, evaluation.client());
}

// The certificate's fingerprint or its key's is in relay_clientcerts: whom it was signed by does not matter.
Outcome permit_tls_clientcerts(Evaluation& evaluation) {
  const tls::Facts& tls = evaluation.subject.tls;
  if (!tls.active || !tls.has_certificate || evaluation.environment.relay_clientcerts.empty()) return dunno();
  for (const std::string* print : {&tls.certificate_fingerprint, &tls.public_key_fingerprint}) {
    const auto found = evaluation.lookup(evaluation.environment.relay_clientcerts, *print);
    if (!found) return evaluation.table_error({*print, kind::certificate}, found.error());
    if (*found) return evaluation.permit("permit_tls_clientcerts", {}, evaluation.client());
  }
  return dunno();
}

Outcome permit_tls_all_clientcerts(Evaluation& evaluation) {
  const tls::Facts& tls = evaluation.subject.tls;
  if (!tls.active || !tls.has_certificate || !tls.trusted) return dunno();
  return evaluation.permit("permit_tls_all_clientcerts", {}, evaluation.client());
}

// check_address_map: the address is in the table; what it says does not matter.
Outcome check_address_map(Evaluation& evaluation, const AccessTable& table) {
  const std::string& address = evaluation.subject.client.address;
  const auto found = evaluation.lookup(table, address);
  if (!found) return evaluation.table_error({address, kind::client}, found.error());
  return *found ? evaluation.permit(kCheckAddressMap) : dunno();
}

}  // namespace

std::span<const Name> client_names() {
  static constexpr Name kNames[] = {
      {kPermitInterfaces, Argument::none, make_plain<permit_inet_interfaces>},
      {"permit_mynetworks", Argument::none, make_plain<permit_mynetworks>},
      {"permit_sasl_authenticated", Argument::none, make_plain<permit_sasl_authenticated>},
      {"permit_tls_clientcerts", Argument::none, make_plain<permit_tls_clientcerts>},
      {"permit_tls_all_clientcerts", Argument::none, make_plain<permit_tls_all_clientcerts>},
  };
  return kNames;
}

const Name* find_local_header_name(std::string_view name) {
  static constexpr Name kCheck = {kCheckAddressMap, Argument::table, make_on_table<check_address_map>};
  static constexpr Name kFromHere = {kPermitInterfaces, Argument::none, make_plain<connected_from_here>};
  if (base::equals_folded(name, kCheckAddressMap)) return &kCheck;
  if (base::equals_folded(name, kPermitInterfaces)) return &kFromHere;
  for (const Name& row : client_names()) {
    if (base::equals_folded(row.name, name)) return &row;
  }
  return nullptr;
}

}  // namespace restrictions
