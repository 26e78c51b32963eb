// Who serves a name: check_{client,reverse_client_hostname,helo,sender,recipient}_{a,mx,ns}_access.

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "logging/log.h"
#include "mail/address.h"
#include "restrictions/dns_questions.h"
#include "restrictions/restriction.h"

namespace restrictions {

namespace {

enum class Servers { a, mx, ns };

std::string_view type_name(Servers servers) {
  switch (servers) {
    case Servers::a:
      return "A";
    case Servers::mx:
      return "MX";
    case Servers::ns:
      break;
  }
  return "NS";
}

// Clients go by their name here, without the address.
std::string_view name_for_log(const Target& who, std::string_view domain) {
  return who.kind == kind::client ? domain : who.name;
}

// One restriction on one name.
class Check {
 public:
  Check(Evaluation& evaluation, const AccessTable& table, Servers servers, const Target& who, std::string_view domain)
      : evaluation_(evaluation), table_(table), servers_(servers), who_(who), domain_(domain), questions_(evaluation) {}

  std::optional<Outcome> run() {
    if (domain_.starts_with('[') || mail::is_numeric_domain(domain_)) {
      const std::string_view address = address_in(domain_);
      if (servers_ != Servers::ns)
        return address.empty() ? std::nullopt : address_access(evaluation_, table_, address, who_);
      if (domain_.starts_with('[')) return std::nullopt;
    }
    switch (servers_) {
      case Servers::a:
        return addresses(domain_);
      case Servers::mx:
        return mail_exchangers();
      case Servers::ns:
        break;
    }
    return name_servers();
  }

 private:
  // "[192.0.2.1]", "[IPv6:2001:db8::1]", "192.0.2.1"; empty when it is none.
  static std::string_view address_in(std::string_view text) {
    if (!text.starts_with('[')) return text;
    if (!mail::is_valid_literal(text)) return {};
    text = text.substr(1, text.size() - 2);
    if (base::starts_with_folded(text, "ipv6:")) text.remove_prefix(5);
    return text;
  }

  std::optional<Outcome> mail_exchangers() {
    const dns::Answer answer = questions_.ask(domain_, dns::Type::mx);
    if (answer) return servers(*answer);
    if (is_temporary(answer.error()) || is_malformed(answer.error())) {
      cannot_tell(domain_, answer.error());
      return std::nullopt;
    }
    // Without MX records the domain is its own mail exchanger.
    return server(domain_);
  }

  // Of the domain, or else of the nearest domain above it that has some.
  std::optional<Outcome> name_servers() {
    std::string_view domain = domain_;
    while (true) {
      const dns::Answer answer = questions_.ask(domain, dns::Type::ns);
      if (answer) return servers(*answer);
      const auto dot = domain.find('.');
      const bool last = dot == std::string_view::npos || dot + 1 == domain.size();
      if (is_temporary(answer.error()) || is_malformed(answer.error()) || last) {
        // Where no domain above it has any, the whole is to blame.
        cannot_tell(is_temporary(answer.error()) ? domain : name_for_log(who_, domain_), answer.error());
        return std::nullopt;
      }
      domain.remove_prefix(dot + 1);
    }
  }

  std::optional<Outcome> servers(const std::vector<dns::Record>& records) {
    // A domain that takes no mail has no servers for it.
    if (std::ranges::any_of(records, [](const dns::Record& record) { return record.data == "."; })) return std::nullopt;
    for (const dns::Record& record : records) {
      if (auto outcome = server(record.data)) return outcome;
    }
    return std::nullopt;
  }

  std::optional<Outcome> server(std::string_view host) {
    if (auto outcome = domain_access(evaluation_, table_, host, who_)) return outcome;
    return addresses(host);
  }

  std::optional<Outcome> addresses(std::string_view host) {
    const dns::Answer answer = questions_.addresses_of(host);
    if (!answer) {
      if (servers_ == Servers::a) return std::nullopt;
      logging::warning("restrictions.no_server", "Unable to look up {type} host {host} for {kind} {name}: {reason}",
                       {{"type", type_name(servers_)},
                        {"host", host},
                        {"kind", who_.kind},
                        {"name", who_.name},
                        {"reason", dns::system_words(answer.error().kind)}});
      return std::nullopt;
    }
    for (const dns::Record& record : *answer) {
      if (auto outcome = address_access(evaluation_, table_, record.data, who_)) return outcome;
    }
    return std::nullopt;
  }

  void cannot_tell(std::string_view name, const dns::Failure& failure) const {
    logging::warning(
        "restrictions.no_servers", "Unable to look up {type} host for {name}: {reason}",
        {{"type", type_name(servers_)},
         {"name", name},
         {"reason", is_malformed(failure) ? "Malformed or unexpected name server reply" : dns::dns_words(failure)}});
  }

  Evaluation& evaluation_;
  const AccessTable& table_;
  Servers servers_;
  Target who_;
  std::string_view domain_;
  DnsQuestions questions_;
};

// Whose name it is: whom a rejection names, and the name to ask about (empty: there is none).
struct Subjected {
  Target who;
  std::string_view domain;
};

std::string_view or_none(std::string_view name) {
  return name == "unknown" ? std::string_view() : name;
}

Subjected by_client(const Evaluation& evaluation) {
  return {evaluation.client(), or_none(evaluation.subject.client.name)};
}
Subjected by_reverse_client(const Evaluation& evaluation) {
  const std::string_view name = evaluation.subject.client.reverse_name;
  return {{name, kind::reverse_client}, or_none(name)};
}
Subjected by_helo(const Evaluation& evaluation) {
  return {evaluation.helo(), evaluation.helo().name};
}
Subjected by_address(const Target& who) {
  const auto parts = mail::split(who.name);
  return {who, parts.has_at ? parts.domain : who.name};
}
Subjected by_sender(const Evaluation& evaluation) {
  return by_address(evaluation.sender());
}
Subjected by_recipient(const Evaluation& evaluation) {
  return by_address(evaluation.recipient());
}

using Whose = Subjected (*)(const Evaluation& evaluation);

// "check_sender_mx_access": as rows and log name it.
template <Whose whose>
constexpr std::string_view owner_word() {
  if (whose == by_client) return "client";
  if (whose == by_reverse_client) return "reverse_client_hostname";
  if (whose == by_helo) return "helo";
  return whose == by_sender ? "sender" : "recipient";
}

template <Whose whose, Servers kServers>
Outcome check(Evaluation& evaluation, const AccessTable& table) {
  const Subjected subject = whose(evaluation);
  if (subject.domain.empty()) return dunno();
  auto outcome = Check(evaluation, table, kServers, subject.who, subject.domain).run();
  if (!outcome) return dunno();
  const std::string restriction =
      fmt::format("check_{}_{}_access", owner_word<whose>(), base::lower(type_name(kServers)));
  return forbid_permit(evaluation, *std::move(outcome), restriction, name_for_log(subject.who, subject.domain));
}

template <Whose whose, Servers kServers>
constexpr Name row(std::string_view name) {
  return {name, Argument::table, make_on_table<check<whose, kServers>>};
}

}  // namespace

std::span<const Name> server_names() {
  static constexpr Name kNames[] = {
      row<by_client, Servers::a>("check_client_a_access"),
      row<by_client, Servers::mx>("check_client_mx_access"),
      row<by_client, Servers::ns>("check_client_ns_access"),
      row<by_reverse_client, Servers::a>("check_reverse_client_hostname_a_access"),
      row<by_reverse_client, Servers::mx>("check_reverse_client_hostname_mx_access"),
      row<by_reverse_client, Servers::ns>("check_reverse_client_hostname_ns_access"),
      row<by_helo, Servers::a>("check_helo_a_access"),
      row<by_helo, Servers::mx>("check_helo_mx_access"),
      row<by_helo, Servers::ns>("check_helo_ns_access"),
      row<by_sender, Servers::a>("check_sender_a_access"),
      row<by_sender, Servers::mx>("check_sender_mx_access"),
      row<by_sender, Servers::ns>("check_sender_ns_access"),
      row<by_recipient, Servers::a>("check_recipient_a_access"),
      row<by_recipient, Servers::mx>("check_recipient_mx_access"),
      row<by_recipient, Servers::ns>("check_recipient_ns_access"),
  };
  return kNames;
}

}  // namespace restrictions
