#include "smtpd/lists.h"

#include <algorithm>

#include "base/text.h"
#include "config/param.h"
#include "logging/log.h"

namespace smtpd {

namespace param = config::param;

bool ClientList::has(const restrictions::Client& client) const {
  if (list_.empty()) return false;
  const auto answer = list_.has_host(client.name, client.address);
  if (answer) return *answer;
  logging::warning("smtpd.list_failed", "{reason}", {{"reason", answer.error().text}});
  return false;
}

Lists::Lists(const config::Config& of, std::shared_ptr<table::Pool> pool)
    : config(of), settings_(table::Settings::from(of)) {
  settings_.pool = std::move(pool);
}

table::MatchList Lists::patterns(std::string_view name, config::TextKey key) const {
  const auto parents = base::split(config[param::parent_domain_matches_subdomains]);
  const bool subdomains = std::ranges::find(parents, name) != parents.end();
  return {name, config[key], settings_, {.parent_matches_subdomains = subdomains}};
}

table::TableList Lists::tables(std::string_view name, config::TextKey key) const {
  return {name, config[key], settings_, {}};
}

}  // namespace smtpd
