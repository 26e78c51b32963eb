#pragma once
// Inside the library: what restrictions ask the DNS. Each restriction has a limited time for all its questions; whoever
// watches the decision sees them, as the table "dns:TYPE".

#include <string_view>

#include "dns/resolver.h"
#include "restrictions/evaluation.h"

namespace restrictions {

// What one restriction may wait for, whatever its many questions are: a sender's domain may have a hundred servers.
constexpr auto kDnsTime = std::chrono::seconds(100);

class DnsQuestions {
 public:
  explicit DnsQuestions(const Evaluation& evaluation);

  dns::Answer ask(std::string_view name, dns::Type type) const;
  // Of a host, as the system's own look-ups would find them; of the families in inet_protocols.
  dns::Answer addresses_of(std::string_view host) const;

 private:
  void tell(std::string_view name, std::string_view type, const dns::Answer& answer) const;
  const Evaluation& evaluation_;
  dns::Resolver::Families families_;
  io::Deadline deadline_;
};

// Whether there was an answer, but one that makes no sense.
bool is_malformed(const dns::Failure& failure);
inline bool is_temporary(const dns::Failure& failure) {
  return failure.kind == dns::Failure::Kind::try_again;
}

}  // namespace restrictions
