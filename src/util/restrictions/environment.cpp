#include "restrictions/environment.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include "base/text.h"
#include "base/word_list.h"
#include "config/old_defaults.h"
#include "config/own_networks.h"
#include "config/param.h"
#include "mail/address.h"
#include "restrictions/list.h"
#include "restrictions/parser.h"

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

// Of inet_interfaces, as inet_ntop writes them.
std::set<std::string, std::less<>> own_addresses(const config::Config& config) {
  const auto all = config::interface_addresses();
  if (!all) throw config::BadValue(all.error().text);
  const auto own = config::choose_addresses(*all, config[param::inet_interfaces], config[param::inet_protocols]);
  if (!own) throw config::BadValue(own.error().text);
  std::set<std::string, std::less<>> texts;
  for (const config::InterfaceAddress& address : *own) {
    char text[INET6_ADDRSTRLEN] = {};
    ::inet_ntop(address.is_ipv6 ? AF_INET6 : AF_INET, address.address.data(), text, sizeof text);
    texts.emplace(text);
  }
  return texts;
}

// The table of the machine's accounts, as local_recipient_maps names it.
std::string_view table_of_accounts(const config::Config& config) {
  for (const std::string_view name : {"proxy:unix:passwd.byname", "unix:passwd.byname"}) {
    if (config[param::local_recipient_maps].contains(name)) return name;
  }
  return {};
}

// Nothing when it is the null sender.
std::string full_probe_sender(const config::Config& config) {
  const std::string& sender = config[param::address_verify_sender];
  return sender.empty() || sender.contains('@') ? sender : sender + "@" + config[param::myorigin];
}

// All of them name their tables in main.cf.
table::TableList tables_of(const config::Config& config, const table::Settings& settings, config::TextKey key,
                           std::string_view name) {
  return {name, config[key], settings, {}};
}

table::Settings settings_with(const config::Config& config, const std::shared_ptr<table::Pool>& pool) {
  auto settings = table::Settings::from(config);
  settings.pool = pool;
  return settings;
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
      sleeps(uses.sleeps),
      asks_policy_services(uses.asks_policy_services),
      table_settings(settings_with(uses.config, uses.tables)),
      access_map_defer_code(config[param::access_map_defer_code]),
      access_map_reject_code(config[param::access_map_reject_code]),
      reject_code(config[param::reject_code]),
      defer_code(config[param::defer_code]),
      plaintext_reject_code(config[param::plaintext_reject_code]),
      multi_recipient_bounce_reject_code(config[param::multi_recipient_bounce_reject_code]),
      relay_domains_reject_code(config[param::relay_domains_reject_code]),
      invalid_hostname_reject_code(config[param::invalid_hostname_reject_code]),
      non_fqdn_reject_code(config[param::non_fqdn_reject_code]),
      unknown_local_recipient_reject_code(config[param::unknown_local_recipient_reject_code]),
      unknown_virtual_alias_reject_code(config[param::unknown_virtual_alias_reject_code]),
      unknown_virtual_mailbox_reject_code(config[param::unknown_virtual_mailbox_reject_code]),
      unknown_relay_recipient_reject_code(config[param::unknown_relay_recipient_reject_code]),
      reject_tempfail_action(tempfail_action(config, param::reject_tempfail_action, "reject_tempfail_action")),
      unknown_address_tempfail_action(
          tempfail_action(config, param::unknown_address_tempfail_action, "unknown_address_tempfail_action")),
      unknown_helo_hostname_tempfail_action(tempfail_action(config, param::unknown_helo_hostname_tempfail_action,
                                                            "unknown_helo_hostname_tempfail_action")),
      access_parents_match(base::has_word(config[param::parent_domain_matches_subdomains], "smtpd_access_maps")),
      recipient_delimiter(config[param::recipient_delimiter]),
      owner_request_special(config[param::owner_request_special]),
      double_bounce_sender(config[param::double_bounce_sender]),
      null_access_key(config[param::smtpd_null_access_lookup_key]),
      logged_permits("smtpd_log_access_permit_actions", config[param::smtpd_log_access_permit_actions], table_settings,
                     {}),
      sasl_enabled(config[param::smtpd_sasl_auth_enable]),
      allow_untrusted_routing(config[param::allow_untrusted_routing]),
      smtputf8(config[param::smtputf8_enable]),
      show_user_unknown_table_name(config[param::show_user_unknown_table_name]),
      accepts_unknown(base::has_word(config[param::receive_override_options], "no_unknown_recipient_checks")),
      mynetworks(
          "mynetworks", config[param::mynetworks], table_settings,
          {.parent_matches_subdomains = base::has_word(config[param::parent_domain_matches_subdomains], "mynetworks")}),
      old_relay_domains(config::has_old_relay_domains(config)),
      newer_networks("mynetworks", config::newer_networks(config), table_settings, {}),
      relay_clientcerts(tables_of(config, table_settings, param::relay_clientcerts, "relay_clientcerts")),
      sender_login_maps(tables_of(config, table_settings, param::smtpd_sender_login_maps, "smtpd_sender_login_maps")),
      recipient_canonical_maps(
          tables_of(config, table_settings, param::recipient_canonical_maps, "recipient_canonical_maps")),
      sender_canonical_maps(tables_of(config, table_settings, param::sender_canonical_maps, "sender_canonical_maps")),
      canonical_maps(tables_of(config, table_settings, param::canonical_maps, "canonical_maps")),
      virtual_alias_maps(tables_of(config, table_settings, param::virtual_alias_maps, "virtual_alias_maps")),
      local_recipient_maps(tables_of(config, table_settings, param::local_recipient_maps, "local_recipient_maps")),
      virtual_mailbox_maps(tables_of(config, table_settings, param::virtual_mailbox_maps, "virtual_mailbox_maps")),
      relay_recipient_maps(tables_of(config, table_settings, param::relay_recipient_maps, "relay_recipient_maps")),
      accounts("local_recipient_maps", table_of_accounts(config), table_settings, {}),
      myorigin_(config[param::myorigin]),
      probe_sender_(full_probe_sender(config)),
      own_addresses_(own_addresses(config)) {}

bool Environment::is_own_address(std::string_view ip_address) const {
  return own_addresses_.contains(ip_address);
}

bool Environment::is_always_there(std::string_view recipient) const {
  return base::equals_folded(recipient, "postmaster") ||
         (!probe_sender_.empty() && base::equals_folded(recipient, probe_sender_));
}

bool Environment::has_bare_names(const routing::Route& route) const {
  return route.address_class == routing::AddressClass::local ||
         base::equals_folded(mail::split(route.recipient).domain, myorigin_);
}

Environment::~Environment() = default;

std::shared_ptr<const AccessTable> Environment::access_table(std::string_view name) const {
  if (const auto known = access_tables_.find(name); known != access_tables_.end()) return known->second;
  auto table = std::make_shared<const AccessTable>(name, name, table_settings, table::Options{});
  access_tables_.emplace(name, table);
  return table;
}

const List* Environment::find_class(std::string_view name) const {
  const auto found = classes_.find(name);
  return found == classes_.end() ? nullptr : &found->second;
}

void Environment::set_classes(std::map<std::string, List, std::less<>> classes) {
  classes_ = std::move(classes);
}

std::shared_ptr<const List> Environment::named_restrictions(std::string_view text) const {
  constexpr std::size_t kMostRemembered = 1000;
  if (const auto known = named_.find(text); known != named_.end()) return known->second;
  auto list = std::make_shared<const List>(parse_result(*this, text));
  if (named_.size() >= kMostRemembered) named_.clear();
  named_.emplace(text, list);
  return list;
}

bool Environment::has_changed() const {
  if (mynetworks.has_changed() || logged_permits.has_changed()) return true;
  for (const table::TableList* tables :
       {&relay_clientcerts, &sender_login_maps, &recipient_canonical_maps, &sender_canonical_maps, &canonical_maps,
        &virtual_alias_maps, &local_recipient_maps, &virtual_mailbox_maps, &relay_recipient_maps}) {
    if (tables->has_changed()) return true;
  }
  for (const auto& [name, table] : access_tables_) {
    if (table->has_changed()) return true;
  }
  return false;
}

}  // namespace restrictions
