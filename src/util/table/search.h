#pragma once
// The orders in which the mail system asks tables for the forms of an address, a domain or an IP address. Each is a
// pure list of keys, and a look-up that walks it.

#include <concepts>
#include <expected>
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
  KeyReach reach;          // the whole address reaches every table; partial keys only those of exact keys
  bool without_extension;  // the extension was dropped: the caller may have to put it back into the result
};

// What separates an address extension from the name before it: recipient_delimiter, and what is never taken apart. A
// plain string of delimiter characters converts.
struct Delimiters {
  std::string_view characters;
  bool owner_request_special = true;  // with '-' among the characters, owner-x and x-request stay whole
  std::string_view double_bounce_sender = "double-bounce";

  template <std::convertible_to<std::string_view> Text>
  Delimiters(const Text& delimiters) : characters(delimiters) {}  // NOLINT: meant to convert
  Delimiters(std::string_view delimiters, bool owner_special, std::string_view double_bounce)
      : characters(delimiters), owner_request_special(owner_special), double_bounce_sender(double_bounce) {}
};

// Addresses are taken in internal form (unquoted, as envelopes have them). Each key with a local part comes in external
// form (quoted where it has to be) and then, where that differs, in internal form. The null address has no keys: a
// table that wants to be asked for it has a parameter with the key (smtpd_null_access_lookup_key,
// empty_address_recipient, ...), and the caller asks for that. No list holds an empty key or the same key twice.
// Parents are left out of domains over 1 KiB, of address literals and of names whose last label is a number.

// canonical, virtual_alias, generic, relocated, bcc, ...: user+ext@domain, user@domain, (domain local: user+ext, user),
// @domain.
std::vector<SearchKey> mail_address_keys(std::string_view address, const Delimiters& delimiters, bool domain_is_local);

// transport: user+ext@domain, user@domain, domain, .parent ... (or parent), *.
std::vector<SearchKey> transport_keys(std::string_view address, const Delimiters& delimiters,
                                      bool parent_matches_subdomains);

// access, for an address: user+ext@domain, user@domain, domain, .parent ... (or parent), user+ext@, user@.
std::vector<SearchKey> access_address_keys(std::string_view address, const Delimiters& delimiters,
                                           bool parent_matches_subdomains);

// access, for a host: its name, then .parent ... (or parent).
std::vector<SearchKey> domain_keys(std::string_view domain, bool parent_matches_subdomains);

// access, for an IP address: whole, then without trailing octets (IPv4) or groups of the compressed text (IPv6).
std::vector<SearchKey> ip_address_keys(std::string_view address);

// aliases: the local part as it is, then without extension; always lower case.
std::vector<SearchKey> alias_keys(std::string_view local_part, const Delimiters& delimiters);

// virtual_mailbox_maps and its like: user+ext@domain, user@domain, @domain.
std::vector<SearchKey> mailbox_keys(std::string_view address, const Delimiters& delimiters);

// smtp_tls_policy_maps: the next hop as written, then .parent for bare domains.
std::vector<SearchKey> tls_policy_keys(std::string_view nexthop);

// smtpd_sender_login_maps: as mail_address_keys, so that the owner of user@domain owns user+ext@domain.
std::vector<SearchKey> sender_login_keys(std::string_view sender, const Delimiters& delimiters, bool domain_is_local);

struct Hit {
  std::string value;
  SearchKey key;
};
// The first key that any table has. An error of a table ends the search: nobody may skip a table that cannot tell.
std::expected<std::optional<Hit>, Error> search(const TableList& tables, std::span<const SearchKey> keys);

// "user+ext" as "user" and "+ext", at the first delimiter character; nothing when there is none or nothing stands
// before it. The names mailer-daemon, postmaster and double-bounce are never split, owner-x and x-request not when '-'
// is a delimiter.
struct Extension {
  std::string_view base;
  std::string_view extension;  // with its delimiter
};
std::optional<Extension> split_extension(std::string_view local_part, const Delimiters& delimiters);

// The local part as a message header would have it: "a b" needs its quotes, a.b does not.
std::string quoted_local_part(std::string_view local_part);

}  // namespace table
