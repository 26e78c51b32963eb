#include "dns/resolv_conf.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "mail/address.h"

namespace dns {

namespace {

// The C library's limits.
constexpr std::size_t kMostServers = 3;
constexpr long kLongestTimeout = 30;
constexpr long kMostAttempts = 5;

std::optional<NameServer> parse_server(std::string_view text) {
  NameServer server{std::string(text)};
  std::string_view port;
  if (text.starts_with('[')) {
    const auto bracket = text.find(']');
    if (bracket == std::string_view::npos) return std::nullopt;
    server.address = text.substr(1, bracket - 1);
    if (bracket + 1 < text.size()) {
      if (text[bracket + 1] != ':') return std::nullopt;
      port = text.substr(bracket + 2);
      if (port.empty()) return std::nullopt;
    }
  } else if (std::ranges::count(text, ':') == 1) {
    server.address = text.substr(0, text.find(':'));
    port = text.substr(text.find(':') + 1);
    if (port.empty()) return std::nullopt;
  }
  if (!mail::is_numeric_domain(std::string_view(server.address).substr(0, server.address.find('%'))))
    return std::nullopt;
  if (!port.empty()) {
    const auto number = base::to_unsigned(port);
    if (!number || *number == 0 || *number > 65535) return std::nullopt;
    server.port = std::to_string(*number);
  }
  return server;
}

void read_option(std::string_view option, ResolvConf& conf) {
  const auto colon = option.find(':');
  const std::string_view name = option.substr(0, colon);
  const auto number = colon == std::string_view::npos ? std::nullopt : base::to_long(option.substr(colon + 1));
  if (name == "timeout" && number) conf.timeout = std::chrono::seconds(std::clamp(*number, 1L, kLongestTimeout));
  if (name == "attempts" && number) conf.attempts = static_cast<int>(std::clamp(*number, 1L, kMostAttempts));
  if (name == "rotate") conf.rotate = true;
}

}  // namespace

ResolvConf parse_resolv_conf(std::string_view text) {
  ResolvConf conf;
  for (std::string_view line : base::split(text, "\n")) {
    line = line.substr(0, line.find_first_of(";#"));
    const auto words = base::split(line, " \t\r");
    if (words.size() < 2) continue;
    if (words[0] == "nameserver" && conf.servers.size() < kMostServers) {
      if (auto server = parse_server(words[1])) conf.servers.push_back(std::move(*server));
    } else if (words[0] == "options") {
      for (const std::string_view option : std::span(words).subspan(1)) read_option(option, conf);
    }
  }
  if (conf.servers.empty()) conf.servers.push_back({"127.0.0.1"});
  return conf;
}

}  // namespace dns
