#pragma once
// What main.cf makes of a refusal on its way to the client: another reply (smtpd_reject_filter_maps), and lines behind
// it that help a person to find the log entry (smtpd_reject_footer, smtpd_reject_footer_maps).

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "restrictions/expansion_filter.h"
#include "smtpd/lists.h"
#include "smtpd/reply.h"

namespace smtpd {

// The value of $client_address and its like; nothing for names that nobody knows.
using FooterValues = std::function<std::optional<std::string>(std::string_view name)>;

class RejectText {
 public:
  // Opens the tables. Throws config::BadValue.
  explicit RejectText(const Lists& lists);

  bool filters() const { return !filter_.empty(); }
  bool has_footers() const { return !footer_maps_.empty() || !footer_.empty(); }
  bool has_changed() const { return filter_.has_changed() || footer_maps_.has_changed(); }

  // For 4xx and 5xx: what is to be said in place of the reply; nothing: the reply. A result that is no refusal, or
  // cannot be looked up, is told in the log and changes nothing.
  std::optional<Reply> filtered(const Reply& reply) const;

  // For 4xx and 5xx: adds the lines. They carry the reply's codes.
  void add_footer(Reply& reply, const FooterValues& values) const;

 private:
  std::string footer_of(const Reply& reply) const;
  std::optional<std::string> expanded(std::string_view footer, const FooterValues& values) const;

  table::TableList filter_;
  table::TableList footer_maps_;
  std::string footer_;  // before expansion
  restrictions::ExpansionFilter values_filter_;
};

// "550 5.7.1 text", "450 text". Nothing for what is no refusal.
std::optional<Reply> parse_refusal(std::string_view text);

}  // namespace smtpd
