#include "restrictions/dns_questions.h"

#include <fmt/format.h>

#include "base/text.h"
#include "config/param.h"

namespace restrictions {

namespace {

using Families = dns::Resolver::Families;

Families families_of(std::string_view inet_protocols) {
  bool v4 = false;
  bool v6 = false;
  for (const std::string_view protocol : base::split(inet_protocols)) {
    v4 = v4 || protocol == "all" || protocol == "ipv4";
    v6 = v6 || protocol == "all" || protocol == "ipv6";
  }
  if (v4 == v6) return Families::both;
  return v4 ? Families::ipv4 : Families::ipv6;
}

}  // namespace

DnsQuestions::DnsQuestions(const Evaluation& evaluation)
    : evaluation_(evaluation),
      families_(families_of(evaluation.environment.config[config::param::inet_protocols])),
      deadline_(io::Deadline::after(kDnsTime)) {}

dns::Answer DnsQuestions::ask(std::string_view name, dns::Type type) const {
  dns::Answer answer = evaluation_.environment.resolver.ask(name, type, deadline_);
  tell(name, dns::name_of(type), answer);
  return answer;
}

dns::Answer DnsQuestions::addresses_of(std::string_view host) const {
  dns::Answer answer = evaluation_.environment.resolver.addresses_of(host, families_, deadline_);
  tell(host, "addresses", answer);
  return answer;
}

void DnsQuestions::tell(std::string_view name, std::string_view type, const dns::Answer& answer) const {
  if (evaluation_.observer == nullptr) return;
  std::string result;
  if (answer) {
    for (const dns::Record& record : *answer) result += (result.empty() ? "" : ", ") + record.data;
  } else if (is_temporary(answer.error())) {
    result = answer.error().text;
  }
  evaluation_.observer->looked_up(fmt::format("dns:{}", type), name, result.empty() ? nullptr : &result);
}

bool is_malformed(const dns::Failure& failure) {
  return failure.kind == dns::Failure::Kind::invalid && failure.text.contains("Malformed");
}

}  // namespace restrictions
