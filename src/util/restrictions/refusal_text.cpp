#include "restrictions/refusal_text.h"

#include <ctime>
#include <map>

#include "base/text.h"
#include "config/expand.h"
#include "config/param.h"
#include "logging/log.h"
#include "mail/address.h"
#include "mail/text.h"

namespace restrictions {

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

std::string local_time() {
  const std::time_t now = std::time(nullptr);
  struct tm parts{};
  char text[64] = "";
  if (::localtime_r(&now, &parts) == nullptr) return {};
  return std::string(text, std::strftime(text, sizeof text, "%b %d %H:%M:%S", &parts));
}

std::optional<std::string> of_address(std::string_view name, std::string_view kind,
                                      const std::optional<std::string>& address) {
  if (!name.starts_with(kind)) return std::nullopt;
  name.remove_prefix(kind.size());
  const std::string_view text = !address ? "" : address->empty() ? "<>" : std::string_view(*address);
  if (name.empty()) return std::string(text);
  const auto parts = mail::split(text);
  if (name == "_name") return std::string(parts.local);
  if (name == "_domain") return std::string(parts.domain);
  return std::nullopt;
}

}  // namespace

std::optional<std::string> footer_value(const FooterSubject& subject, std::string_view name) {
  const Client& client = subject.client;
  if (name == "client") return client.name_and_address();
  if (name == "client_address") return client.address;
  if (name == "client_name") return client.name;
  if (name == "client_port") return client.port;
  if (name == "reverse_client_name") return client.reverse_name;
  if (name == "helo_name") return std::string(subject.helo);
  if (name == "localtime") return local_time();
  if (name == "server_name") return std::string(subject.server_name);
  if (auto sender = of_address(name, "sender", subject.sender)) return sender;
  return of_address(name, "recipient", subject.recipient);
}

RefusalText::RefusalText(const config::Config& config, const table::Settings& settings)
    : filter_("smtpd_reject_filter_maps", config[param::smtpd_reject_filter_maps], settings, {}),
      footer_maps_("smtpd_reject_footer_maps", config[param::smtpd_reject_footer_maps], settings, {}),
      footer_(config[param::smtpd_reject_footer]),
      values_filter_(config[param::smtpd_expansion_filter]) {}

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

std::optional<Reply> RefusalText::filtered(const std::string& reply) const {
  if (filter_.empty()) return std::nullopt;
  const auto found = filter_.lookup(reply);
  if (!found) {
    logging::warning("smtpd.reject_filter", "smtpd_reject_filter_maps: lookup error for \"{reply}\": {reason}",
                     {{"reply", reply}, {"reason", found.error().text}});
    return std::nullopt;
  }
  if (!*found) return std::nullopt;
  auto other = parse_refusal(**found);
  if (!other) {
    logging::warning("smtpd.reject_filter",
                     "smtpd_reject_filter_maps: the result for \"{reply}\" is no reject, and is not used: \"{result}\"",
                     {{"reply", reply}, {"result", **found}});
    return std::nullopt;
  }
  return other;
}

// A table that cannot answer must not cost the client its reply.
std::string RefusalText::footer_of(const std::string& reply) const {
  if (!footer_maps_.empty()) {
    const auto found = footer_maps_.lookup(reply);
    if (found && *found) return **found;
  }
  return footer_;
}

std::optional<std::string> RefusalText::expanded(std::string_view footer, const FooterValues& values) const {
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

RefusalText::Footer RefusalText::footer(const std::string& reply, const FooterValues& values) const {
  const std::string footer = has_footers() ? footer_of(reply) : "";
  const auto text = footer.empty() ? std::nullopt : expanded(footer, values);
  if (!text) return {};

  constexpr std::string_view kOnTheSameLine = "\\c";
  const bool on_the_same_line = text->starts_with(kOnTheSameLine);
  Footer result{.continuation = {},
                .lines = lines_of(std::string_view(*text).substr(on_the_same_line ? kOnTheSameLine.size() : 0))};
  if (on_the_same_line) {
    result.continuation = std::move(result.lines.front());
    result.lines.erase(result.lines.begin());
  }
  return result;
}

}  // namespace restrictions
