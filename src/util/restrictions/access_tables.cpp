// check_*_access on what the client is and says. What the tables' results mean is in access.cpp.

#include <fmt/format.h>

#include <vector>

#include "base/text.h"
#include "restrictions/restriction.h"
#include "table/arguments.h"

namespace restrictions {

namespace {

constexpr std::string_view kReverse = "check_reverse_client_hostname_access";

Outcome or_dunno(std::optional<Outcome> outcome) {
  return outcome ? *std::move(outcome) : dunno();
}

Outcome check_client_access(Evaluation& evaluation, const AccessTable& table) {
  const Client& client = evaluation.subject.client;
  if (auto outcome = domain_access(evaluation, table, client.name, evaluation.client())) return *std::move(outcome);
  return or_dunno(address_access(evaluation, table, client.address, evaluation.client()));
}

Outcome check_reverse_client_hostname_access(Evaluation& evaluation, const AccessTable& table) {
  const Client& client = evaluation.subject.client;
  const Target who{client.reverse_name, kind::reverse_client};
  auto outcome = domain_access(evaluation, table, client.reverse_name, who);
  if (!outcome) outcome = address_access(evaluation, table, client.address, who);
  return forbid_permit(evaluation, or_dunno(std::move(outcome)), kReverse, client.reverse_name);
}

Outcome check_helo_access(Evaluation& evaluation, const AccessTable& table) {
  if (!evaluation.subject.helo) return dunno();
  return or_dunno(domain_access(evaluation, table, *evaluation.subject.helo, evaluation.helo()));
}

Outcome check_sender_access(Evaluation& evaluation, const AccessTable& table) {
  if (!evaluation.subject.sender) return dunno();
  if (evaluation.subject.sender->empty()) {
    return or_dunno(key_access(evaluation, table, evaluation.environment.null_access_key, evaluation.sender()));
  }
  return or_dunno(mail_address_access(evaluation, table, evaluation.route_of_sender(), evaluation.sender()));
}

Outcome check_recipient_access(Evaluation& evaluation, const AccessTable& table) {
  if (!evaluation.subject.recipient || evaluation.subject.recipient->empty()) return dunno();
  return or_dunno(mail_address_access(evaluation, table, evaluation.route_of_recipient(), evaluation.recipient()));
}

Outcome check_etrn_access(Evaluation& evaluation, const AccessTable& table) {
  const std::string_view domain = evaluation.subject.etrn_domain;
  if (domain.empty()) return dunno();
  return or_dunno(domain_access(evaluation, table, domain, {domain, kind::etrn}));
}

Outcome check_sasl_access(Evaluation& evaluation, const AccessTable& table) {
  if (lacks_sasl(evaluation, "check_sasl_access")) return dunno();
  const std::string_view user = evaluation.subject.sasl_username;
  if (user.empty()) return dunno();
  return or_dunno(key_access(evaluation, table, user, {user, kind::login}));
}

// What of a client's certificate is looked up, in which order.
using Print = const std::string& (*)(const tls::Facts& tls);
struct SearchKind {
  std::string_view name;
  Print print;
};
constexpr SearchKind kSearchKinds[] = {
    {"cert_fingerprint", [](const tls::Facts& tls) -> const std::string& { return tls.certificate_fingerprint; }},
    {"pubkey_fingerprint", [](const tls::Facts& tls) -> const std::string& { return tls.public_key_fingerprint; }},
    {"issuer_cn", [](const tls::Facts& tls) -> const std::string& { return tls.issuer_cn; }},
    {"subject_cn", [](const tls::Facts& tls) -> const std::string& { return tls.subject_cn; }},
};

class CheckCertificate : public Restriction {
 public:
  CheckCertificate(std::shared_ptr<const AccessTable> table, std::vector<Print> order)
      : table_(std::move(table)), order_(std::move(order)) {}

  Outcome ask(Evaluation& evaluation) const override {
    const tls::Facts& tls = evaluation.subject.tls;
    if (!tls.active || !tls.has_certificate) return dunno();
    for (const Print print : order_) {
      const std::string& key = print(tls);
      if (key.empty()) continue;
      const Target who{tls.subject_cn, kind::certificate};
      if (auto outcome = key_access(evaluation, *table_, key, who)) return *std::move(outcome);
    }
    return dunno();
  }
  bool has_changed() const override { return table_->has_changed(); }

 private:
  std::shared_ptr<const AccessTable> table_;
  std::vector<Print> order_;
};

std::vector<Print> search_order(std::string_view list) {
  std::vector<Print> order;
  for (const std::string_view word : base::split(list)) {
    const auto row =
        std::ranges::find_if(kSearchKinds, [&](const SearchKind& one) { return base::equals_folded(one.name, word); });
    if (row == std::end(kSearchKinds)) {
      throw Mistake(
          fmt::format("unknown search key \"{}\": must be cert_fingerprint, pubkey_fingerprint, issuer_cn or "
                      "subject_cn",
                      word));
    }
    order.push_back(row->print);
  }
  if (order.empty()) throw Mistake("empty search_order");
  return order;
}

// type:table, or { type:table, { search_order = pubkey_fingerprint, subject_cn } }
std::unique_ptr<Restriction> make_check_ccert_access(const Environment& environment, std::string_view argument) {
  std::string_view table = argument;
  std::string_view order = "cert_fingerprint, pubkey_fingerprint";
  if (argument.starts_with('{')) {
    const auto content = table::group_content(argument);
    if (!content) throw Mistake(content.error());
    const auto parts = base::split_grouped(*content);
    if (parts.empty() || !parts[0].contains(':')) throw Mistake("must begin with type:table");
    table = parts[0];
    for (std::size_t i = 1; i < parts.size(); ++i) {
      std::string_view setting = parts[i];
      if (const auto inside = table::inside_braces(setting)) setting = base::trim(*inside);
      const auto named = table::name_and_value(setting);
      if (!named) throw Mistake(named.error());
      if (named->name != "search_order") throw Mistake(fmt::format("unknown setting \"{}\"", named->name));
      order = named->value;
    }
  }
  return std::make_unique<CheckCertificate>(environment.access_table(table), search_order(order));
}

}  // namespace

std::span<const Name> access_table_names() {
  static constexpr Name kNames[] = {
      {"check_client_access", Argument::table, make_on_table<check_client_access>},
      {kReverse, Argument::table, make_on_table<check_reverse_client_hostname_access>},
      {"check_helo_access", Argument::table, make_on_table<check_helo_access>},
      {"check_sender_access", Argument::table, make_on_table<check_sender_access>},
      {"check_recipient_access", Argument::table, make_on_table<check_recipient_access>},
      {"check_etrn_access", Argument::table, make_on_table<check_etrn_access>},
      {"check_sasl_access", Argument::table, make_on_table<check_sasl_access>},
      {"check_ccert_access", Argument::table_or_group, make_check_ccert_access},
  };
  return kNames;
}

}  // namespace restrictions
