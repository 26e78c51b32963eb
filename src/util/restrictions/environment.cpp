#include "restrictions/environment.h"

#include <fmt/format.h>

#include "base/text.h"
#include "config/param.h"

namespace restrictions {

namespace {

namespace param = config::param;

TempfailAction tempfail_action(const config::Config& config, config::TextKey key, std::string_view name) {
  const std::string& value = config[key];
  if (base::equals_folded(value, "defer_if_permit")) return TempfailAction::defer_if_permit;
  if (base::equals_folded(value, "defer")) return TempfailAction::defer;
  throw config::BadValue(fmt::format("{}: bad configuration: {} = {}: must be \"defer_if_permit\" or \"defer\"",
                                     place_of(config, name), name, base::printable(value)));
}

bool lists(std::string_view list, std::string_view name) {
  for (const std::string_view item : base::split(list)) {
    if (item == name) return true;
  }
  return false;
}

}  // namespace

std::string place_of(const config::Config& config, std::string_view parameter) {
  const auto setting = config.settings().find(parameter);
  return setting == config.settings().end() ? "default" : setting->second.where.text();
}

Environment::Environment(Rules::Uses uses)
    : config(uses.config),
      router(uses.router),
      resolver(uses.resolver),
      service_name(uses.service_name),
      table_settings(table::Settings::from(uses.config)),
      access_map_defer_code(uses.config[param::access_map_defer_code]),
      access_map_reject_code(uses.config[param::access_map_reject_code]),
      reject_code(uses.config[param::reject_code]),
      defer_code(uses.config[param::defer_code]),
      reject_tempfail_action(tempfail_action(uses.config, param::reject_tempfail_action, "reject_tempfail_action")),
      unknown_address_tempfail_action(
          tempfail_action(uses.config, param::unknown_address_tempfail_action, "unknown_address_tempfail_action")),
      unknown_helo_hostname_tempfail_action(tempfail_action(uses.config, param::unknown_helo_hostname_tempfail_action,
                                                            "unknown_helo_hostname_tempfail_action")),
      access_parents_match(lists(uses.config[param::parent_domain_matches_subdomains], "smtpd_access_maps")),
      recipient_delimiter(uses.config[param::recipient_delimiter]),
      owner_request_special(uses.config[param::owner_request_special]),
      double_bounce_sender(uses.config[param::double_bounce_sender]) {}

Environment::~Environment() = default;

std::shared_ptr<const AccessTable> Environment::access_table(std::string_view name) const {
  if (const auto known = access_tables_.find(name); known != access_tables_.end()) return known->second;
  auto table = std::make_shared<const AccessTable>(name, name, table_settings, table::Options{});
  access_tables_.emplace(name, table);
  return table;
}

bool Environment::has_changed() const {
  for (const auto& [name, table] : access_tables_) {
    if (table->has_changed()) return true;
  }
  return false;
}

}  // namespace restrictions
