#pragma once
// Addresses: in internal form as envelopes have them (quotes removed), in external form as headers and SMTP do.

#include <optional>
#include <string>
#include <string_view>

namespace mail {

// "a b@x" <-> "\"a b\"@x". The local part is what stands before the last @ (internal) or the last @ outside of quotes
// (external). quote() leaves a local part alone that needs no quotes; unquote() takes them off all of the address,
// whose domain may have some, too, but for what stands in [].
std::string quote(std::string_view internal_address);
void append_quote(std::string& to, std::string_view internal_address);
std::string unquote(std::string_view external_address);

// At the last @. The domain is empty when there is none; an address that ends in @ has an empty domain and `has_at`.
struct Split {
  std::string_view local;
  std::string_view domain;
  bool has_at;
};
Split split(std::string_view internal_address);

// Host names and domains: letters, digits, hyphens (not at an end), underscores, at most 63 bytes a label and 255 in
// all, no empty label, not all digits; UTF-8 labels when allowed. Literals: [1.2.3.4], [ipv6:2001:db8::1].
enum class Utf8 { no, yes };
bool is_valid_hostname(std::string_view name, Utf8 utf8 = Utf8::no);
bool is_valid_literal(std::string_view bracketed);  // with its brackets
bool is_numeric_domain(std::string_view name);      // 1.2.3.4, 2001:db8::1: an address without brackets

// The envelope sender for one recipient of a mailing list: "list@l.example", the delimiters "+=" and "user@example.org"
// make "list+user=example.org@l.example". Without two delimiters the sender stays as it is.
std::string verp_sender(std::string_view sender, std::string_view delimiters, std::string_view recipient);

// For logs: info_log_address_format external or internal, control bytes masked.
std::string for_log(std::string_view internal_address, bool external);

}  // namespace mail
