#include "smtpd/reject_text.h"

#include <fmt/format.h>

namespace smtpd {

std::optional<Reply> RejectText::filtered(const Reply& reply) const {
  if (!filters() || !reply.is_error()) return std::nullopt;
  auto other = text_.filtered(reply.line());
  if (!other) return std::nullopt;
  return Reply{.code = other->code, .status = std::move(other->status), .text = std::move(other->text)};
}

void RejectText::add_footer(Reply& reply, const FooterValues& values) const {
  if (!reply.is_error() || !has_footers()) return;
  const auto footer = text_.footer(reply.line(), values);
  (reply.lines.empty() ? reply.text : reply.lines.back()) += footer.continuation;
  const std::string status =
      reply.status.empty() ? "" : fmt::format("{}{} ", reply.code / 100, std::string_view(reply.status).substr(1));
  for (const std::string& line : footer.lines) reply.lines.push_back(status + line);
}

}  // namespace smtpd
