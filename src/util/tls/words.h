#pragma once
// The words that TLS parameters are made of: protocol versions, cipher grades, options, levels.

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tls {

// Which versions are spoken. Bounds are numbers as on the wire (0x0303); 0 for none.
struct Protocols {
  int lowest = 0;
  int highest = 0;
  std::uint64_t excluded = 0;  // SSL_OP_NO_...
};
// ">=TLSv1.2, <=0304", "!SSLv2, !SSLv3", "TLSv1.2 TLSv1.3": separated by comma, blank or colon; empty: all. The error
// names the word, and the nearest known one.
std::expected<Protocols, base::Error> parse_protocols(std::string_view text);

// Names of OpenSSL options without SSL_OP_, in any case, or one number that begins with 0x.
enum class OptionKind { workaround, option };
std::expected<std::uint64_t, base::Error> parse_options(std::string_view text, OptionKind kind);

enum class Grade { high, medium, null };
std::expected<Grade, base::Error> parse_grade(std::string_view text);

// The list of a grade without what is excluded (names and properties, "+" for those that have all of them).
std::string cipher_list(std::string_view of_grade, std::initializer_list<std::string_view> exclusions);
// The first word that cannot be excluded, as it begins with an operator of cipher lists; empty: there is none.
std::string_view bad_exclusion(std::string_view exclusions);

// 0 to 4, more is 4.
std::optional<int> parse_log_level(std::string_view text);

// "; did you mean X?", or nothing when no word is near.
std::string suggestion(std::string_view word, std::span<const std::string_view> known);

// A name that a client may ask for: letters, digits, hyphens and underscores, labels of 1 to 63 bytes, no address.
bool is_server_name(std::string_view name);
// What a table of server names is asked for: the name, then each parent with its dot.
std::vector<std::string> server_name_keys(std::string_view name);

}  // namespace tls
