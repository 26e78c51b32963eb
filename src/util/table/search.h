#pragma once
// The orders in which the mail system asks tables for the forms of an address, a domain or an IP address. Each is a pure list of
// keys, and a look-up that walks it. facts: see the manual pages of the tables.

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "table/list.h"

namespace table {

enum class KeyReach : unsigned char { all_tables, fixed_only };

struct SearchKey {
  std::string key;
  KeyReach reach;         // the whole address reaches every table; partial keys only those of exact keys
  bool without_extension; // the extension was dropped: the caller may have to put it back into the result
};

struct AddressParts {
  std::string_view local;      // with extension
  std::string_view domain;     // may be empty
};

// canonical, virtual_alias, generic, relocated, bcc, ...: user+ext@domain, user@domain, (domain local: user+ext, user), @domain.
std::vector<SearchKey> mail_address_keys(std::string_view address, std::string_view delimiters, bool domain_is_local);

// transport: user+ext@domain, user@domain, domain, .parent ... (or parent), *.
std::vector<SearchKey> transport_keys(std::string_view address, std::string_view delimiters, bool parent_matches_subdomains);

// access, for an address: user+ext@domain, user@domain, domain, parents, user+ext@, user@.
std::vector<SearchKey> access_address_keys(std::string_view address, std::string_view delimiters, bool parent_matches_subdomains);

// access, for a host: its name, then parents.
std::vector<SearchKey> domain_keys(std::string_view domain, bool parent_matches_subdomains);

// access, for an IP address: whole, then without trailing octets (IPv4) or groups of the compressed text (IPv6).
std::vector<SearchKey> ip_address_keys(std::string_view address);

// aliases: the local part as it is, then without extension; always lower case.
std::vector<SearchKey> alias_keys(std::string_view local_part, std::string_view delimiters);

// virtual_mailbox_maps and its like: user+ext@domain, user@domain, @domain.
std::vector<SearchKey> mailbox_keys(std::string_view address, std::string_view delimiters);

// smtp_tls_policy_maps: the next hop as written, then .parent for bare domains.
std::vector<SearchKey> tls_policy_keys(std::string_view nexthop);

// smtpd_sender_login_maps: user@domain, user (local domains), @domain.
std::vector<SearchKey> sender_login_keys(std::string_view sender, std::string_view delimiters, bool domain_is_local);

struct Hit {
  std::string value;
  SearchKey key;
};
// The first key that any table has. An error of a table ends the search: nobody may skip a table that cannot tell.
std::expected<std::optional<Hit>, Error> search(const TableList& tables, std::span<const SearchKey> keys);

// "user+ext" as "user" and "+ext"; nothing when there is no extension. The names owner-x and x-request, mailer-daemon and
// double-bounce are never split.
struct Extension {
  std::string_view base;
  std::string_view extension;  // with its delimiter
};
std::optional<Extension> split_extension(std::string_view local_part, std::string_view delimiters);

}  // namespace table
