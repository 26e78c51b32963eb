#include "base/text.h"
#include "io/socket.h"

namespace io {

namespace {

constexpr std::size_t kLongestHost = 255;
constexpr std::size_t kLongestService = 63;
constexpr std::size_t kLongestPath = 107;

bool is_host_character(char c) {
  return base::is_alnum(c) || c == '.' || c == '-' || c == '_';
}

bool is_port(std::string_view text) {
  if (text.empty() || text.size() > kLongestService) return false;
  if (base::all_digits(text)) {
    const auto number = base::to_unsigned(text);
    return number && *number <= 65535;
  }
  return std::ranges::all_of(text,
                             [](char c) { return base::is_alnum(c) || c == '-' || c == '_' || c == '+' || c == '.'; });
}

// What is wrong with it, or nothing.
std::string_view read_inet(std::string_view text, Endpoint& endpoint) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return "a port is missing: host:port";
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (!is_port(port)) return "the port must be a number up to 65535 or the name of a service";
  const bool brackets = host.starts_with('[') && host.ends_with(']');
  if (brackets) {
    host = host.substr(1, host.size() - 2);
    if (host.empty()) return "there is no address between the brackets";
  }
  if (host.size() > kLongestHost) return "the host name is too long";
  // A '%' introduces the interface of a link-local address.
  const bool well_formed =
      std::ranges::all_of(host, [&](char c) { return is_host_character(c) || (brackets && (c == ':' || c == '%')); });
  if (!well_formed) {
    return !brackets && host.contains(':') ? "an IPv6 address must be in brackets: [address]:port"
                                           : "the host has a character that no host has";
  }
  endpoint.type = Endpoint::Type::inet;
  endpoint.host = host;
  endpoint.port = port;
  return {};
}

std::string_view read_unix(std::string_view text, Endpoint& endpoint) {
  if (text.empty()) return "the path is missing";
  if (text.size() > kLongestPath) return "the path is longer than 107 bytes, the system's limit for sockets";
  if (text.contains('\0')) return "the path contains a NUL byte";
  endpoint.type = Endpoint::Type::unix_stream;
  endpoint.path = text;
  return {};
}

}  // namespace

std::expected<Endpoint, base::Error> parse_endpoint(std::string_view text, std::string_view default_type) {
  std::string_view type = default_type;
  std::string_view rest = text;
  for (const std::string_view known : {"inet", "unix"}) {
    if (text.starts_with(known) && text.substr(known.size()).starts_with(':')) {
      type = known;
      rest = text.substr(known.size() + 1);
    }
  }
  Endpoint endpoint{};
  std::string_view problem = "the type must be inet or unix";
  if (type == "inet") problem = read_inet(rest, endpoint);
  if (type == "unix") problem = read_unix(rest, endpoint);
  if (problem.empty()) return endpoint;
  constexpr std::size_t kShown = 300;
  return std::unexpected(
      base::Error{fmt::format("bad endpoint \"{}\": {}", base::printable(text.substr(0, kShown)), problem)});
}

}  // namespace io
