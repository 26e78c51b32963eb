#include "config/old_defaults.h"

#include "config/expand.h"
#include "config/own_networks.h"
#include "config/param.h"
#include "logging/log.h"

namespace config {

bool is_below_level(const Config& config, std::string_view level) {
  const auto compared = compare_levels(config[param::compatibility_level], level);
  return compared && *compared < 0;
}

bool has_old_default(const Config& config, std::string_view parameter, std::string_view level) {
  return !config.settings().contains(parameter) && is_below_level(config, level);
}

bool has_old_relay_domains(const Config& config) {
  return has_old_default(config, "relay_domains", "2");
}

bool has_old_flush_domains(const Config& config) {
  return has_old_relay_domains(config) && !config.settings().contains("fast_flush_domains");
}

std::string newer_networks(const Config& config) {
  if (config.settings().contains("mynetworks") || !has_old_default(config, "mynetworks_style", "2")) return {};
  const auto all = interface_addresses();
  if (!all) return {};
  const auto chosen = choose_addresses(*all, config[param::inet_interfaces], config[param::inet_protocols]);
  if (!chosen) return {};
  return networks_text(*chosen, "host").value_or("");
}

void log_old_default(std::string_view what) {
  logging::info("config.old_default", "using backwards-compatible default setting {what}", {{"what", what}});
}

}  // namespace config
