#pragma once
// Inside the library: the back ends, and what they share.

#include <array>
#include <memory>
#include <string_view>

#include "sasl/security_options.h"
#include "sasl/server.h"
#include "table/match_list.h"

namespace sasl {

// In the order of server_types().
constexpr std::array<std::string_view, 2> kServerTypes = {"cyrus", "dovecot"};

// What main.cf says to both.
struct ServerSettings {
  explicit ServerSettings(const config::Config& config);  // throws base::Fatal
  std::string path, service, realm, hostname;
  SecurityOptions plain, under_tls;
  table::MatchList mechanism_filter;
  bool filtered;  // there is a filter at all
  std::string config_path;

  const SecurityOptions& options(bool tls) const { return tls ? under_tls : plain; }
  // Those of the list that are to be announced. Warns when nothing is left of something.
  std::vector<std::string> announced(std::vector<std::string> mechanisms) const;
};

std::unique_ptr<Server> make_cyrus(ServerSettings settings);    // throws base::Fatal
std::unique_ptr<Server> make_dovecot(ServerSettings settings);  // throws base::Fatal

}  // namespace sasl
