#pragma once
// tls_server_sni_maps: other certificates for clients that ask for another name.

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/config.h"
#include "table/list.h"
#include "tls/chain.h"

namespace tls {

class ServerNames {
 public:
  ServerNames(const config::Config& config, const std::string& maps);

  bool empty() const { return tables_.empty(); }
  bool has_changed() const { return tables_.has_changed(); }

  // Puts the name's keys and certificates into the session, in the place of the default ones. What went wrong has been
  // logged; names that are invalid or not found leave the default chain in place.
  enum class Choice { default_chain, chosen, failed };
  Choice choose(SSL* session, std::string_view name, std::string_view peer);

 private:
  using Chains = std::shared_ptr<const std::vector<Chain>>;
  Chains chains_of(const std::string& value, std::string_view name);

  table::TableList tables_;
  std::unordered_map<std::string, Chains> parsed_;  // by the value, so that nothing in it grows old
};

}  // namespace tls
