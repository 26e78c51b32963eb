#include "restrictions/list_reply.h"

#include <fmt/format.h>

#include <array>
#include <ctime>

#include "base/text.h"
#include "config/expand.h"
#include "config/param.h"
#include "logging/log.h"
#include "mail/address.h"
#include "mail/text.h"
#include "restrictions/restriction.h"

namespace restrictions {

namespace {

namespace param = config::param;

constexpr std::array kNames = {
    std::string_view("rbl_code"),    std::string_view("rbl_class"),           std::string_view("rbl_what"),
    std::string_view("rbl_domain"),  std::string_view("rbl_reason"),          std::string_view("rbl_txt"),
    std::string_view("client"),      std::string_view("client_address"),      std::string_view("client_name"),
    std::string_view("client_port"), std::string_view("reverse_client_name"), std::string_view("helo_name"),
    std::string_view("sender"),      std::string_view("sender_name"),         std::string_view("sender_domain"),
    std::string_view("recipient"),   std::string_view("recipient_name"),      std::string_view("recipient_domain"),
    std::string_view("localtime"),   std::string_view("server_name"),
};

bool is_known(std::string_view name) {
  return std::ranges::find(kNames, name) != kNames.end();
}

std::string log_time() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%b %d %H:%M:%S", &parts)};
}

// What keeps a text from being expanded; empty: nothing.
std::string problem_of(std::string_view text) {
  std::string unknown;
  const auto look_up = [&](std::string_view name) -> std::optional<std::string_view> {
    if (is_known(name)) return "x";
    unknown = name;
    return std::nullopt;
  };
  const auto result = config::expand(text, look_up);
  config::for_each_reference(text, [&](std::string_view name) {
    if (!is_known(name)) unknown = name;
  });
  if (!result) return result.error().text;
  return unknown.empty() ? "" : fmt::format("unknown macro name \"{}\" in expansion request", unknown);
}

}  // namespace

ListReply::ListReply(const Environment& environment)
    : template_(environment.config[param::default_rbl_reply]),
      code_(environment.config[param::maps_rbl_reject_code]),
      filter_(environment.config[param::smtpd_expansion_filter]),
      server_name_(environment.config[param::myhostname]) {
  const std::string problem = problem_of(template_);
  if (!problem.empty()) {
    throw Mistake(fmt::format("bad default rbl reply template: {}: {} ({})", base::printable(template_), problem,
                              place_of(environment.config, "default_rbl_reply")));
  }
  if (const std::string& maps = environment.config[param::rbl_reply_maps]; !maps.empty())
    maps_ = environment.access_table(maps);
}

bool ListReply::has_changed() const {
  return maps_ != nullptr && maps_->has_changed();
}

// The values of one listing's names. Each is made when it is asked for, filtered, and kept from being expanded again:
// what a list or a client says is text and nothing else.
struct ListReply::Expansion {
  const ListReply& reply;
  const Evaluation& evaluation;
  const Listing& listing;
  const std::function<std::string()>& reason;
  std::map<std::string, std::string, std::less<>> values = {};

  std::string value_of(std::string_view name) {
    const Subject& subject = evaluation.subject;
    const Client& client = subject.client;
    const std::string_view sender = subject.sender.value_or("");
    const std::string_view recipient = subject.recipient.value_or("");
    if (name == "rbl_code") return std::to_string(reply.code_);
    if (name == "rbl_class") return std::string(listing.kind);
    if (name == "rbl_what") return std::string(listing.what);
    if (name == "rbl_domain") return std::string(listing.domain);
    if (name == "rbl_reason" || name == "rbl_txt") return reason();
    if (name == "client") return client.name_and_address();
    if (name == "client_address") return client.address;
    if (name == "client_name") return client.name;
    if (name == "client_port") return client.port;
    if (name == "reverse_client_name") return client.reverse_name;
    if (name == "helo_name") return std::string(subject.helo.value_or(""));
    if (name == "sender") return subject.sender && sender.empty() ? "<>" : std::string(sender);
    if (name == "sender_name") return subject.sender && sender.empty() ? "<>" : std::string(mail::split(sender).local);
    if (name == "sender_domain") return std::string(mail::split(sender).domain);
    if (name == "recipient") return std::string(recipient);
    if (name == "recipient_name") return std::string(mail::split(recipient).local);
    if (name == "recipient_domain") return std::string(mail::split(recipient).domain);
    if (name == "localtime") return log_time();
    return name == "server_name" ? reply.server_name_ : std::string();
  }

  std::expected<std::string, base::Error> expand(std::string_view text) {
    return config::expand(text, [this](std::string_view name) -> std::optional<std::string_view> {
      if (!is_known(name)) return std::nullopt;
      const auto [place, is_new] = values.try_emplace(std::string(name));
      if (is_new) place->second = reply.filter_.filtered(value_of(name));
      return place->second;
    });
  }
};

Outcome ListReply::say(Evaluation& evaluation, const Listing& listing,
                       const std::function<std::string()>& reason) const {
  Expansion expansion{*this, evaluation, listing, reason};
  if (maps_ != nullptr) {
    const auto found = evaluation.lookup(*maps_, listing.list);
    if (!found) return evaluation.reject(Trouble::software, 451, "4.3.5", "Server configuration error");
    if (*found) {
      const std::string problem = problem_of(**found);
      if (problem.empty()) {
        if (const auto text = expansion.expand(**found)) return send(evaluation, listing, *text);
      }
      logging::warning("restrictions.list_reply", "{problem}", {{"problem", problem}});
      logging::warning("restrictions.list_reply",
                       "rbl_reject_reply: bad rbl reply template for domain {domain}: {template}",
                       {{"domain", listing.list}, {"template", **found}});
    }
  }
  const auto text = expansion.expand(template_);
  return send(evaluation, listing, text ? std::string_view(*text) : std::string_view());
}

Outcome ListReply::send(Evaluation& evaluation, const Listing& listing, std::string_view text) const {
  const bool has_code = text.size() > 4 && (text[0] == '4' || text[0] == '5') && base::is_digit(text[1]) &&
                        base::is_digit(text[2]) && base::is_blank(text[3]) && !base::trim(text.substr(4)).empty();
  if (!has_code) {
    logging::warning("restrictions.list_reply", "rbl response code configuration error: {text}", {{"text", text}});
    return evaluation.reject(Trouble::policy, 450, "4.7.1", "Service unavailable");
  }
  const int code = static_cast<int>(*base::to_unsigned(text.substr(0, 3)));
  const auto [status, words] = mail::split_status(base::trim_left(text.substr(4)), "5.7.1");
  return evaluation.reject(Trouble::policy, code, status_for(status, listing.kind), words);
}

}  // namespace restrictions
