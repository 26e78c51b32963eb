#pragma once
// restrictions/refusal_text.h, for the server's replies.

#include "restrictions/refusal_text.h"
#include "smtpd/lists.h"
#include "smtpd/reply.h"

namespace smtpd {

using restrictions::FooterValues;

class RejectText {
 public:
  // Opens the tables. Throws config::BadValue.
  explicit RejectText(const Lists& lists) : text_(lists.config, lists.settings()) {}

  bool filters() const { return text_.filters(); }
  bool has_footers() const { return text_.has_footers(); }
  bool has_changed() const { return text_.has_changed(); }

  // For 4xx and 5xx: what is to be said in place of the reply; nothing: the reply.
  std::optional<Reply> filtered(const Reply& reply) const;

  // For 4xx and 5xx: adds the lines. They carry the reply's codes.
  void add_footer(Reply& reply, const FooterValues& values) const;

 private:
  restrictions::RefusalText text_;
};

}  // namespace smtpd
