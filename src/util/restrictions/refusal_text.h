#pragma once
// What main.cf makes of a refusal on its way to the client: another reply (smtpd_reject_filter_maps), and lines behind
// it that help a person to find the log entry (smtpd_reject_footer, smtpd_reject_footer_maps).

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "restrictions/expansion_filter.h"
#include "restrictions/reply.h"
#include "restrictions/subject.h"
#include "table/list.h"

namespace restrictions {

// The value of $client_address and its like; nothing for names that nobody knows.
using FooterValues = std::function<std::optional<std::string>(std::string_view name)>;

// Whom a footer may name.
struct FooterSubject {
  const Client& client;
  std::string_view helo;
  std::optional<std::string> sender;
  std::optional<std::string> recipient;  // the first who has been accepted, not who is being refused
  std::string_view server_name;
};
std::optional<std::string> footer_value(const FooterSubject& subject, std::string_view name);

class RefusalText {
 public:
  // Opens the tables. Throws config::BadValue.
  RefusalText(const config::Config& config, const table::Settings& settings);

  bool filters() const { return !filter_.empty(); }
  bool has_footers() const { return !footer_maps_.empty() || !footer_.empty(); }
  bool has_changed() const { return filter_.has_changed() || footer_maps_.has_changed(); }

  // What is to be said in place of a 4xx or 5xx reply; nothing: the reply. A result that is no refusal, or cannot be
  // looked up, is told in the log and changes nothing.
  std::optional<Reply> filtered(const std::string& reply) const;

  // To be added to a 4xx or 5xx reply.
  struct Footer {
    std::string continuation;        // of its last line
    std::vector<std::string> lines;  // each with the codes of the reply before it
  };
  Footer footer(const std::string& reply, const FooterValues& values) const;

 private:
  std::string footer_of(const std::string& reply) const;
  std::optional<std::string> expanded(std::string_view footer, const FooterValues& values) const;

  table::TableList filter_;
  table::TableList footer_maps_;
  std::string footer_;  // before expansion
  ExpansionFilter values_filter_;
};

// "550 5.7.1 text", "450 text". Nothing for what is no refusal.
std::optional<Reply> parse_refusal(std::string_view text);

}  // namespace restrictions
