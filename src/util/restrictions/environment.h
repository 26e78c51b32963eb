#pragma once
// Inside the library: what all restrictions of a process share. Settings typed once, lists and tables opened once.

#include <functional>
#include <map>
#include <memory>
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
  const table::Settings table_settings;

  // Parameters that restrictions ask for; what is not here is read from `config` when a restriction is made.
  int access_map_defer_code, access_map_reject_code, reject_code, defer_code;
  TempfailAction reject_tempfail_action, unknown_address_tempfail_action, unknown_helo_hostname_tempfail_action;
  bool access_parents_match;  // parent_domain_matches_subdomains has smtpd_access_maps
  std::string recipient_delimiter;
  bool owner_request_special;
  std::string double_bounce_sender;
  table::Delimiters delimiters() const { return {recipient_delimiter, owner_request_special, double_bounce_sender}; }

  // The table of that name, opened at its first use. One that does not open answers every look-up with an error.
  std::shared_ptr<const AccessTable> access_table(std::string_view name) const;
  bool has_changed() const;

 private:
  mutable std::map<std::string, std::shared_ptr<const AccessTable>, std::less<>> access_tables_;
};

}  // namespace restrictions
