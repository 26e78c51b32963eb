// Lists in the DNS of who is bad or good: reject_rbl_client, reject_rhsbl_*, permit_dnswl_client, permit_rhswl_client.

#include <fmt/format.h>

#include "base/text.h"
#include "dns/reply_filter.h"
#include "logging/log.h"
#include "mail/address.h"
#include "restrictions/address_pattern.h"
#include "restrictions/dns_questions.h"
#include "restrictions/list_reply.h"
#include "restrictions/restriction.h"

namespace restrictions {

namespace {

// A list as restrictions name it: "rbl.example", "rbl.example=127.0.0.[2..11]".
class DnsList {
 public:
  explicit DnsList(std::string_view name) : name_(name), domain_(name.substr(0, name.find('='))) {
    if (domain_.empty()) throw Mistake(fmt::format("\"{}\" names no DNS list", base::printable(name)));
    if (domain_.size() == name_.size()) return;
    auto pattern = AddressPattern::parse(name.substr(domain_.size() + 1));
    if (!pattern) throw Mistake(fmt::format("RBL reply error: {}", pattern.error()));
    pattern_ = *std::move(pattern);
  }

  const std::string& name() const { return name_; }
  const std::string& domain() const { return domain_; }

  // Whether the list has it. What the DNS cannot tell now is told to the log.
  enum class Has { yes, no, unknown };
  Has has(const DnsQuestions& questions, const std::string& query) const {
    const dns::Answer answer = questions.ask(query, dns::Type::a);
    if (!answer) {
      if (!is_temporary(answer.error())) return Has::no;
      logging::warning("restrictions.list_failure", "{query}: RBL lookup error: {reason}",
                       {{"query", query}, {"reason", answer.error().text}});
      return Has::unknown;
    }
    if (!pattern_) return Has::yes;
    const bool any =
        std::ranges::any_of(*answer, [this](const dns::Record& record) { return pattern_->matches(record.data); });
    return any ? Has::yes : Has::no;
  }

  // Why it has it: one line.
  static std::string reason(const DnsQuestions& questions, const std::string& query) {
    const dns::Answer answer = questions.ask(query, dns::Type::txt);
    if (!answer) {
      // That the DNS has no text is no trouble.
      if (answer.error().filtered) {
        logging::warning("restrictions.list_failure", "{query}: TXT lookup error: {reason}",
                         {{"query", query}, {"reason", dns::kFilteredWords}});
      }
      return {};
    }
    std::string all;
    for (const dns::Record& record : *answer) {
      if (!all.empty()) all += " / ";
      for (const char c : record.data) all += base::is_printable(c) ? c : ' ';
    }
    return all;
  }

 private:
  std::string name_, domain_;
  std::optional<AddressPattern> pattern_;
};

// What is looked up: whom a reply names, and the labels before the list's domain (empty: nothing can be looked up).
struct Key {
  Target who;
  std::string labels;
};
using Whose = Key (*)(const Evaluation& evaluation);

Key by_client_address(const Evaluation& evaluation) {
  const std::string& address = evaluation.subject.client.address;
  return {{address, kind::client}, dns::reversed(address)};
}

std::string listable(std::string_view name) {
  if (name == "unknown" || name.starts_with('[') || mail::is_numeric_domain(name)) return {};
  return std::string(name);
}
Key by_client_name(const Evaluation& evaluation) {
  const std::string& name = evaluation.subject.client.name;
  return {{name, kind::client}, listable(name)};
}
Key by_reverse_client_name(const Evaluation& evaluation) {
  const std::string& name = evaluation.subject.client.reverse_name;
  return {{name, kind::reverse_client}, listable(name)};
}
Key by_helo(const Evaluation& evaluation) {
  return {evaluation.helo(), listable(evaluation.helo().name)};
}
Key by_sender(const Evaluation& evaluation) {
  return {evaluation.sender(), listable(mail::split(evaluation.sender().name).domain)};
}
Key by_recipient(const Evaluation& evaluation) {
  return {evaluation.recipient(), listable(mail::split(evaluation.recipient().name).domain)};
}

class RejectListed : public Restriction {
 public:
  RejectListed(const Environment& environment, Whose whose, std::string_view list)
      : whose_(whose), list_(list), reply_(environment) {}

  Outcome ask(Evaluation& evaluation) const override {
    const Key key = whose_(evaluation);
    if (key.labels.empty()) return dunno();
    const DnsQuestions questions(evaluation);
    const std::string query = fmt::format("{}.{}", key.labels, list_.domain());
    if (list_.has(questions, query) != DnsList::Has::yes) return dunno();
    return reply_.say(evaluation, {list_.name(), list_.domain(), key.who.name, key.who.kind},
                      [&] { return DnsList::reason(questions, query); });
  }
  bool has_changed() const override { return reply_.has_changed(); }

 private:
  Whose whose_;
  DnsList list_;
  ListReply reply_;
};

class PermitListed : public Restriction {
 public:
  PermitListed(Whose whose, std::string_view restriction, std::string_view list)
      : whose_(whose), restriction_(restriction), list_(list) {}

  Outcome ask(Evaluation& evaluation) const override {
    const Key key = whose_(evaluation);
    if (key.labels.empty() || would_relay(evaluation)) return dunno();
    const DnsQuestions questions(evaluation);
    switch (list_.has(questions, fmt::format("{}.{}", key.labels, list_.domain()))) {
      case DnsList::Has::yes:
        return evaluation.permit(restriction_, {}, evaluation.client());
      case DnsList::Has::no:
        return dunno();
      case DnsList::Has::unknown:
        break;
    }
    return evaluation.defer_if_reject(
        Trouble::policy, 450, "4.7.1",
        fmt::format("<{}>: {} rejected: Service unavailable", key.who.name, key.who.kind));
  }

 private:
  // Somebody else's list must not open a relay: for recipients that are not ours it counts for nothing.
  static bool would_relay(Evaluation& evaluation) {
    if (!evaluation.subject.recipient) return false;
    const auto& route = evaluation.route_of_recipient();
    if (!route) return true;
    if (!route->recipient.contains('@')) return false;
    return (route->routed && !evaluation.environment.allow_untrusted_routing) ||
           route->address_class == routing::AddressClass::other;
  }

  Whose whose_;
  std::string_view restriction_;
  DnsList list_;
};

template <Whose whose>
std::unique_ptr<Restriction> make_reject(const Environment& environment, std::string_view list) {
  return std::make_unique<RejectListed>(environment, whose, list);
}

}  // namespace

std::span<const Name> dns_list_names() {
  static constexpr Name kNames[] = {
      {"reject_rbl_client", Argument::word, make_reject<by_client_address>},
      {"reject_rbl", Argument::word, make_reject<by_client_address>},
      {"reject_rhsbl_client", Argument::word, make_reject<by_client_name>},
      {"reject_rhsbl_reverse_client", Argument::word, make_reject<by_reverse_client_name>},
      {"reject_rhsbl_helo", Argument::word, make_reject<by_helo>},
      {"reject_rhsbl_sender", Argument::word, make_reject<by_sender>},
      {"reject_rhsbl_recipient", Argument::word, make_reject<by_recipient>},
      {"permit_dnswl_client", Argument::word,
       [](const Environment&, std::string_view list) -> std::unique_ptr<Restriction> {
         return std::make_unique<PermitListed>(by_client_address, "permit_dnswl_client", list);
       }},
      {"permit_rhswl_client", Argument::word,
       [](const Environment&, std::string_view list) -> std::unique_ptr<Restriction> {
         return std::make_unique<PermitListed>(by_client_name, "permit_rhswl_client", list);
       }},
  };
  return kNames;
}

}  // namespace restrictions
