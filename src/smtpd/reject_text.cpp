#include "smtpd/reject_text.h"

#include <fmt/format.h>

#include <map>

#include "base/text.h"
#include "config/expand.h"
#include "config/param.h"
#include "logging/log.h"
#include "mail/text.h"

namespace smtpd {

namespace {

namespace param = config::param;

// "\n" ends a line.
std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  for (;;) {
    const auto end = text.find("\\n");
    lines.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 2);
  }
}

}  // namespace

RejectText::RejectText(const Lists& lists)
    : filter_(lists.tables("smtpd_reject_filter_maps", param::smtpd_reject_filter_maps)),
      footer_maps_(lists.tables("smtpd_reject_footer_maps", param::smtpd_reject_footer_maps)),
      footer_(lists.config[param::smtpd_reject_footer]),
      values_filter_(lists.config[param::smtpd_expansion_filter]) {}

std::optional<Reply> parse_refusal(std::string_view text) {
  text = base::trim(text);
  if (text.size() < 3 || (text[0] != '4' && text[0] != '5') || !base::all_digits(text.substr(0, 3)))
    return std::nullopt;
  if (text.size() > 3 && !base::is_blank(text[3])) return std::nullopt;
  Reply reply;
  reply.code = static_cast<int>(*base::to_unsigned(text.substr(0, 3)));
  text = base::trim_left(text.substr(3));
  const std::string_view first = text.substr(0, text.find_first_of(base::kBlanks));
  if (mail::is_status_code(first)) {
    reply.status = first;
    text = base::trim_left(text.substr(first.size()));
  }
  reply.text = text;
  return reply;
}

std::optional<Reply> RejectText::filtered(const Reply& reply) const {
  if (filter_.empty() || !reply.is_error()) return std::nullopt;
  const std::string said = reply.line();
  const auto found = filter_.lookup(said);
  if (!found) {
    logging::warning("smtpd.reject_filter", "smtpd_reject_filter_maps: lookup error for \"{reply}\": {reason}",
                     {{"reply", said}, {"reason", found.error().text}});
    return std::nullopt;
  }
  if (!*found) return std::nullopt;
  auto other = parse_refusal(**found);
  if (!other) {
    logging::warning("smtpd.reject_filter",
                     "smtpd_reject_filter_maps: the result for \"{reply}\" is no reject, and is not used: \"{result}\"",
                     {{"reply", said}, {"result", **found}});
    return std::nullopt;
  }
  return other;
}

// A table that cannot answer must not cost the client its reply.
std::string RejectText::footer_of(const Reply& reply) const {
  if (!footer_maps_.empty()) {
    const auto found = footer_maps_.lookup(reply.line());
    if (found && *found) return **found;
  }
  return footer_;
}

std::optional<std::string> RejectText::expanded(std::string_view footer, const FooterValues& values) const {
  std::map<std::string, std::string, std::less<>> used;
  const config::RawLookup look_up = [&](std::string_view name) -> std::optional<std::string_view> {
    const auto [place, is_new] = used.try_emplace(std::string(name));
    if (!is_new) return place->second;
    const auto value = values(name);
    if (!value) {
      logging::warning("smtpd.footer", "unknown macro name \"{name}\" in expansion request", {{"name", name}});
      return place->second;
    }
    place->second = values_filter_.filtered(*value);
    return place->second;
  };
  auto text = config::expand(footer, look_up);
  if (text) return std::move(*text);
  logging::warning("smtpd.footer", "{reason}: \"{footer}\"", {{"reason", text.error().text}, {"footer", footer}});
  return std::nullopt;
}

void RejectText::add_footer(Reply& reply, const FooterValues& values) const {
  if (!reply.is_error() || !has_footers()) return;
  const std::string footer = footer_of(reply);
  if (footer.empty()) return;
  const auto text = expanded(footer, values);
  if (!text) return;

  constexpr std::string_view kOnTheSameLine = "\\c";
  const bool on_the_same_line = text->starts_with(kOnTheSameLine);
  std::vector<std::string> lines =
      lines_of(std::string_view(*text).substr(on_the_same_line ? kOnTheSameLine.size() : 0));
  if (on_the_same_line) {
    (reply.lines.empty() ? reply.text : reply.lines.back()) += lines.front();
    lines.erase(lines.begin());
  }
  const std::string status =
      reply.status.empty() ? "" : fmt::format("{}{} ", reply.code / 100, std::string_view(reply.status).substr(1));
  for (const std::string& line : lines) reply.lines.push_back(status + line);
}

}  // namespace smtpd
