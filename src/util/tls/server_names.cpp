#include "tls/server_names.h"

#include <fmt/format.h>

#include <algorithm>

#include "logging/log.h"
#include "table/source_files.h"
#include "tls/words.h"

namespace tls {

namespace {

constexpr std::string_view kParameter = "tls_server_sni_maps";
constexpr std::size_t kMostParsed = 512;

table::Options table_options() {
  table::Options options;
  options.allow_substitution = false;
  options.values_are_files = true;
  return options;
}

}  // namespace

ServerNames::ServerNames(const config::Config& config, const std::string& maps)
    : tables_(kParameter, maps, table::Settings::from(config), table_options()) {}

ServerNames::Choice ServerNames::choose(SSL* session, std::string_view name, std::string_view peer) {
  if (!is_server_name(name)) {
    logging::warning("tls.sni_invalid", "TLS SNI from {client} is invalid: {name}", {{"client", peer}, {"name", name}});
    return Choice::default_chain;
  }
  for (const std::string& key : server_name_keys(name)) {
    const auto answer = tables_.lookup(
        key, key.size() == name.size() ? table::TableList::Ask::all_tables : table::TableList::Ask::fixed_only);
    if (!answer) {
      logging::warning("tls.sni_problem", "tls_server_sni_maps: {name} map lookup problem: {reason}",
                       {{"name", name}, {"reason", answer.error().text}});
      return Choice::failed;
    }
    if (!*answer) continue;
    const Chains chains = chains_of(**answer, name);
    if (!chains) return Choice::failed;
    SSL_certs_clear(session);
    for (const Chain& chain : *chains) {
      if (const auto used = use(session, chain); !used) {
        logging::warning("tls.sni_problem", "SNI data for {name}: {reason}",
                         {{"name", name}, {"reason", used.error().text}});
        return Choice::failed;
      }
    }
    return Choice::chosen;
  }
  logging::info("tls.sni_unknown", "TLS SNI {name} from {client} not matched, using default chain",
                {{"name", name}, {"client", peer}});
  return Choice::default_chain;
}

ServerNames::Chains ServerNames::chains_of(const std::string& value, std::string_view name) {
  if (const auto found = parsed_.find(value); found != parsed_.end()) return found->second;
  const auto fail = [&](std::string_view why) {
    logging::warning(
        "tls.sni_problem",
        "{why}; error loading private keys and certificates from: SNI data for {name}: aborting TLS handshake",
        {{"why", why}, {"name", name}});
    return nullptr;
  };
  auto text = table::decode_files(value);
  if (!text) return fail("the value is no base64 text (see postmap -F)");
  const PemText pem{fmt::format("SNI data for {}", name), std::move(*text)};
  auto chains = parse_chains(std::span(&pem, 1));
  if (!chains) return fail(chains.error().text);
  if (chains->empty()) return fail("there is no private key in it");
  if (parsed_.size() >= kMostParsed) parsed_.clear();
  auto shared = std::make_shared<const std::vector<Chain>>(std::move(*chains));
  parsed_.emplace(value, shared);
  return shared;
}

}  // namespace tls
