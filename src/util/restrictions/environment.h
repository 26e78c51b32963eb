#pragma once
// Inside the library: what all restrictions of a process share. Settings typed once, lists and tables opened once.

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "dns/resolver.h"
#include "restrictions/rules.h"
#include "routing/router.h"
#include "table/list.h"
#include "table/match_list.h"
#include "table/search.h"

namespace restrictions {

class Restriction;
struct List;

// A table in a restriction ("hash:/etc/postfix/access"), opened once however often it is named.
using AccessTable = table::TableList;

// What the *_tempfail_action parameters say.
enum class TempfailAction { defer_if_permit, defer };

// Where a parameter was set, for messages: "/etc/postfix/main.cf, line 12"; "default".
std::string place_of(const config::Config& config, std::string_view parameter);

class Environment {
 public:
  explicit Environment(Rules::Uses uses);
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  const config::Config& config;
  const routing::Router& router;
  dns::Resolver& resolver;
  const std::string service_name;
  const bool sleeps, asks_policy_services;
  const table::Settings table_settings;

  // Parameters that restrictions ask for; what is not here is read from `config` when a restriction is made.
  int access_map_defer_code, access_map_reject_code, reject_code, defer_code;
  int plaintext_reject_code, multi_recipient_bounce_reject_code, relay_domains_reject_code;
  int invalid_hostname_reject_code, non_fqdn_reject_code;
  int unknown_local_recipient_reject_code, unknown_virtual_alias_reject_code, unknown_virtual_mailbox_reject_code,
      unknown_relay_recipient_reject_code;
  TempfailAction reject_tempfail_action, unknown_address_tempfail_action, unknown_helo_hostname_tempfail_action;
  bool access_parents_match;  // parent_domain_matches_subdomains has smtpd_access_maps
  std::string recipient_delimiter;
  bool owner_request_special;
  std::string double_bounce_sender;
  std::string null_access_key;      // smtpd_null_access_lookup_key
  table::MatchList logged_permits;  // smtpd_log_access_permit_actions
  bool sasl_enabled, allow_untrusted_routing, smtputf8, show_user_unknown_table_name;
  bool accepts_unknown;  // receive_override_options = no_unknown_recipient_checks
  table::MatchList mynetworks;
  // Defaults of an old generation that make a difference which the log is to tell (config/old_defaults.h).
  bool old_relay_domains;
  table::MatchList newer_networks;  // mynetworks as it will be; empty: mynetworks is not an old default
  table::TableList relay_clientcerts, sender_login_maps;
  table::TableList recipient_canonical_maps, sender_canonical_maps, canonical_maps, virtual_alias_maps;
  table::TableList local_recipient_maps, virtual_mailbox_maps, relay_recipient_maps;
  // Whether local_recipient_maps has unix:passwd.byname, and that table alone.
  table::TableList accounts;
  bool is_own_address(std::string_view ip_address) const;  // of inet_interfaces
  // postmaster without a domain (RFC 5321), and the sender of address probes: no restriction is asked.
  bool is_always_there(std::string_view recipient) const;
  // Whether tables have the address by its local part alone: its domain is local, or $myorigin.
  bool has_bare_names(const routing::Route& route) const;
  table::Delimiters delimiters() const { return {recipient_delimiter, owner_request_special, double_bounce_sender}; }

  // The table of that name, opened at its first use. One that does not open answers every look-up with an error.
  std::shared_ptr<const AccessTable> access_table(std::string_view name) const;
  // smtpd_restriction_classes; null: there is none of that name.
  const List* find_class(std::string_view name) const;
  void set_classes(std::map<std::string, List, std::less<>> classes);
  // The restrictions that a table's result names, parsed once for each text.
  std::shared_ptr<const List> named_restrictions(std::string_view text) const;
  bool has_changed() const;

 private:
  std::string myorigin_, probe_sender_;
  std::set<std::string, std::less<>> own_addresses_;
  mutable std::map<std::string, std::shared_ptr<const AccessTable>, std::less<>> access_tables_;
  mutable std::map<std::string, std::shared_ptr<const List>, std::less<>> named_;
  std::map<std::string, List, std::less<>> classes_;
};

}  // namespace restrictions
