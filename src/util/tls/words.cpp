#include "tls/words.h"

#include <fmt/format.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <charconv>
#include <numeric>

#include "base/text.h"

namespace tls {

namespace {

constexpr std::string_view kProtocolSeparators = ",: \t\r\n";

struct Version {
  std::string_view name;
  int number;
  std::uint64_t exclusion;
};
// No library in use has SSLv2: it may be named, and is never spoken.
constexpr Version kVersions[] = {
    {"SSLv2", SSL2_VERSION, 0},
    {"SSLv3", SSL3_VERSION, SSL_OP_NO_SSLv3},
    {"TLSv1", TLS1_VERSION, SSL_OP_NO_TLSv1},
    {"TLSv1.1", TLS1_1_VERSION, SSL_OP_NO_TLSv1_1},
    {"TLSv1.2", TLS1_2_VERSION, SSL_OP_NO_TLSv1_2},
    {"TLSv1.3", TLS1_3_VERSION, SSL_OP_NO_TLSv1_3},
};

const Version* version_named(std::string_view name) {
  const auto found =
      std::ranges::find_if(kVersions, [&](const Version& version) { return base::equals_folded(version.name, name); });
  return found == std::end(kVersions) ? nullptr : found;
}

template <typename Row>
std::vector<std::string_view> names_of(std::span<const Row> rows) {
  std::vector<std::string_view> names;
  for (const Row& row : rows) names.push_back(row.name);
  return names;
}

std::optional<std::uint64_t> hexadecimal(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  if (text.empty() || problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// A bound is a name or a number; with a number the library decides whether it knows it.
std::expected<int, base::Error> parse_bound(std::string_view word) {
  if (const Version* version = version_named(word)) return version->number;
  const auto number = hexadecimal(word);
  if (word.size() == 4 && number && *number >= SSL3_VERSION && *number <= 0x03ff) return static_cast<int>(*number);
  return std::unexpected(base::Error{fmt::format("unknown TLS protocol version \"{}\"{}", word,
                                                 suggestion(word, names_of(std::span<const Version>(kVersions))))});
}

struct Option {
  std::string_view name;
  std::uint64_t bits;
};
// The first are what OpenSSL's SSL_OP_ALL turns on; those of old are still known by name.
constexpr Option kWorkarounds[] = {
    {"CRYPTOPRO_TLSEXT_BUG", SSL_OP_CRYPTOPRO_TLSEXT_BUG},
    {"DONT_INSERT_EMPTY_FRAGMENTS", SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS},
    {"LEGACY_SERVER_CONNECT", SSL_OP_LEGACY_SERVER_CONNECT},
    {"SAFARI_ECDHE_ECDSA_BUG", SSL_OP_SAFARI_ECDHE_ECDSA_BUG},
    {"TLSEXT_PADDING", SSL_OP_TLSEXT_PADDING},
    {"CVE-2005-2969", 0},
    {"CVE-2010-4180", 0},
    {"MICROSOFT_BIG_SSLV3_BUFFER", 0},
    {"MICROSOFT_SESS_ID_BUG", 0},
    {"MSIE_SSLV2_RSA_PADDING", 0},
    {"NETSCAPE_CHALLENGE_BUG", 0},
    {"NETSCAPE_REUSE_CIPHER_CHANGE_BUG", 0},
    {"SSLEAY_080_CLIENT_DH_BUG", 0},
    {"SSLREF2_REUSE_CERT_TYPE_BUG", 0},
    {"TLS_BLOCK_PADDING_BUG", 0},
    {"TLS_D5_BUG", 0},
};
constexpr Option kOptions[] = {
    {"ALLOW_NO_DHE_KEX", SSL_OP_ALLOW_NO_DHE_KEX},
    {"CIPHER_SERVER_PREFERENCE", SSL_OP_CIPHER_SERVER_PREFERENCE},
    {"ENABLE_MIDDLEBOX_COMPAT", SSL_OP_ENABLE_MIDDLEBOX_COMPAT},
    {"LEGACY_SERVER_CONNECT", SSL_OP_LEGACY_SERVER_CONNECT},
    {"NO_ANTI_REPLAY", SSL_OP_NO_ANTI_REPLAY},
    {"NO_COMPRESSION", SSL_OP_NO_COMPRESSION},
    {"NO_ENCRYPT_THEN_MAC", SSL_OP_NO_ENCRYPT_THEN_MAC},
    {"NO_EXTENDED_MASTER_SECRET", SSL_OP_NO_EXTENDED_MASTER_SECRET},
    {"NO_RENEGOTIATION", SSL_OP_NO_RENEGOTIATION},
    {"NO_SESSION_RESUMPTION_ON_RENEGOTIATION", SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION},
    {"NO_TICKET", SSL_OP_NO_TICKET},
    {"PRIORITIZE_CHACHA", SSL_OP_PRIORITIZE_CHACHA},
    {"TLSEXT_PADDING", SSL_OP_TLSEXT_PADDING},
};

// How many letters to change, add or take away to get from one to the other.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0U);
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (base::to_lower(a[i]) == base::to_lower(b[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string suggestion(std::string_view word, std::span<const std::string_view> known) {
  constexpr std::size_t kLongestWord = 100;
  if (word.size() > kLongestWord) return {};
  std::string_view nearest;
  std::size_t best = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string_view candidate : known) {
    const std::size_t steps = distance(word, candidate);
    if (steps < best) {
      best = steps;
      nearest = candidate;
    }
  }
  return nearest.empty() ? "" : fmt::format("; did you mean \"{}\"?", nearest);
}

std::expected<Protocols, base::Error> parse_protocols(std::string_view text) {
  Protocols result;
  std::uint64_t included = 0;
  bool only_included = false;
  for (std::string_view word : base::split(text, kProtocolSeparators)) {
    if (word.starts_with(">=") || word.starts_with("<=")) {
      const auto bound = parse_bound(word.substr(2));
      if (!bound) return std::unexpected(bound.error());
      (word[0] == '>' ? result.lowest : result.highest) = *bound;
      continue;
    }
    const bool excludes = word.starts_with('!');
    if (excludes) word.remove_prefix(1);
    const Version* version = version_named(word);
    if (version == nullptr) {
      return std::unexpected(base::Error{fmt::format("unknown TLS protocol version \"{}\"{}", word,
                                                     suggestion(word, names_of(std::span<const Version>(kVersions))))});
    }
    if (excludes) {
      result.excluded |= version->exclusion;
    } else {
      included |= version->exclusion;
      only_included = true;
    }
  }
  if (only_included) {
    for (const Version& version : kVersions) result.excluded |= version.exclusion & ~included;
  }
  if (result.lowest == SSL2_VERSION) result.lowest = 0;
  if (result.highest == SSL2_VERSION) {
    result.highest = 0;
    for (const Version& version : kVersions) result.excluded |= version.exclusion;
  }
  return result;
}

std::expected<std::uint64_t, base::Error> parse_options(std::string_view text, OptionKind kind) {
  const std::span<const Option> known =
      kind == OptionKind::option ? std::span<const Option>(kOptions) : std::span<const Option>(kWorkarounds);
  const std::vector<std::string_view> words = base::split(text);
  if (words.size() == 1 && base::starts_with_folded(words[0], "0x")) {
    if (const auto number = hexadecimal(words[0].substr(2))) return *number;
    return std::unexpected(base::Error{fmt::format("bad hexadecimal number \"{}\"", words[0])});
  }
  std::uint64_t bits = 0;
  for (const std::string_view word : words) {
    const auto found =
        std::ranges::find_if(known, [&](const Option& option) { return base::equals_folded(option.name, word); });
    if (found == known.end()) {
      return std::unexpected(
          base::Error{fmt::format("unknown value \"{}\"{}", word, suggestion(word, names_of(known)))});
    }
    bits |= found->bits;
  }
  return bits;
}

std::expected<Grade, base::Error> parse_grade(std::string_view text) {
  static constexpr std::string_view kGrades[] = {"high", "medium", "low", "export", "null"};
  if (base::equals_folded(text, "high")) return Grade::high;
  if (base::equals_folded(text, "null")) return Grade::null;
  for (const std::string_view weak : {"medium", "low", "export"}) {
    if (base::equals_folded(text, weak)) return Grade::medium;
  }
  return std::unexpected(base::Error{fmt::format("invalid cipher grade \"{}\"{}", text, suggestion(text, kGrades))});
}

std::string cipher_list(std::string_view of_grade, std::initializer_list<std::string_view> exclusions) {
  std::string list(of_grade);
  for (const std::string_view excluded : exclusions) {
    for (const std::string_view word : base::split(excluded, kProtocolSeparators)) list += fmt::format(":!{}", word);
  }
  return list;
}

std::string_view bad_exclusion(std::string_view exclusions) {
  for (const std::string_view word : base::split(exclusions, kProtocolSeparators)) {
    if (std::string_view("!+-@").contains(word[0])) return word;
  }
  return {};
}

std::optional<int> parse_log_level(std::string_view text) {
  const auto number = base::to_unsigned(text);
  if (!number) return std::nullopt;
  return static_cast<int>(std::min<unsigned long>(*number, 4));
}

bool is_server_name(std::string_view name) {
  constexpr std::size_t kLongestName = 255;
  constexpr std::size_t kLongestLabel = 63;
  if (name.empty() || name.size() > kLongestName) return false;
  bool all_numeric = true;
  std::size_t label = 0;
  char before = '.';
  for (const char c : name) {
    if (c == '.') {
      if (label == 0 || before == '-') return false;
      label = 0;
    } else {
      if (!base::is_alnum(c) && c != '_' && (c != '-' || label == 0)) return false;
      if (++label > kLongestLabel) return false;
      if (!base::is_digit(c)) all_numeric = false;
    }
    before = c;
  }
  return label > 0 && before != '-' && !all_numeric;
}

std::vector<std::string> server_name_keys(std::string_view name) {
  std::vector<std::string> keys{std::string(name)};
  for (std::size_t dot = name.find('.', 1); dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
    keys.emplace_back(name.substr(dot));
  }
  return keys;
}

}  // namespace tls
