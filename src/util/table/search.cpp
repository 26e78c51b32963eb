#include "table/search.h"

#include <algorithm>

#include "base/text.h"
#include "table/fold.h"

namespace table {

namespace {

// Hostile names must not cost memory in the square of their length.
constexpr std::size_t kLongestDomainWithParents = 1024;
constexpr std::size_t kLongestIpAddress = 64;

class Keys {
 public:
  void whole(std::string key) { add(std::move(key), KeyReach::all_tables, false); }
  void partial(std::string key) { add(std::move(key), KeyReach::fixed_only, false); }
  void partial_without_extension(std::string key) { add(std::move(key), KeyReach::fixed_only, true); }

  std::vector<SearchKey> take() { return std::move(keys_); }

 private:
  void add(std::string key, KeyReach reach, bool without_extension) {
    if (key.empty() || std::ranges::any_of(keys_, [&](const SearchKey& seen) { return seen.key == key; })) return;
    keys_.push_back({std::move(key), reach, without_extension});
  }

  std::vector<SearchKey> keys_;
};

bool has_parents(std::string_view domain) {
  if (domain.size() > kLongestDomainWithParents || domain.starts_with('[')) return false;
  return !base::all_digits(domain.substr(domain.rfind('.') + 1));
}

void add_parents(Keys& keys, std::string_view domain, bool parent_matches_subdomains) {
  if (!has_parents(domain)) return;
  for (auto dot = domain.find('.', 1); dot != std::string_view::npos; dot = domain.find('.', dot + 1)) {
    const std::string_view parent = domain.substr(dot + 1);
    if (!parent.empty()) keys.partial(std::string(parent_matches_subdomains ? parent : domain.substr(dot)));
  }
}

// An address whose keys are asked for in external and in internal form.
class Address {
 public:
  Address(std::string_view address, const Delimiters& delimiters) : local_(address) {
    if (const auto at = address.rfind('@'); at != std::string_view::npos) {
      local_ = address.substr(0, at);
      domain_ = address.substr(at + 1);
      has_at_ = true;
    }
    extension_ = split_extension(local_, delimiters);
  }

  std::string_view domain() const { return domain_; }
  bool has_at() const { return has_at_; }

  // user+ext@domain, user@domain
  void add_whole(Keys& keys) const {
    const std::string after = has_at_ ? "@" + std::string(domain_) : "";
    for (std::string& local : forms(local_)) keys.whole(std::move(local) + after);
    add_without_extension(keys, after);
  }

  // user+ext, user; with what follows them
  void add_local(Keys& keys, const std::string& after) const {
    if (local_.empty()) return;
    for (std::string& local : forms(local_)) keys.partial(std::move(local) + after);
    add_without_extension(keys, after);
  }

 private:
  static std::vector<std::string> forms(std::string_view local) {
    std::vector<std::string> both{quoted_local_part(local)};
    if (both[0] != local) both.emplace_back(local);
    return both;
  }

  void add_without_extension(Keys& keys, const std::string& after) const {
    if (!extension_) return;
    for (std::string& local : forms(extension_->base)) keys.partial_without_extension(std::move(local) + after);
  }

  std::string_view local_;  // with extension
  std::string_view domain_;
  bool has_at_ = false;
  std::optional<Extension> extension_;
};

}  // namespace

std::string quoted_local_part(std::string_view local_part) {
  constexpr std::string_view kSpecials = "()<>@,;:\\\".[]";
  const auto is_atom_character = [&](char c) {
    return c > ' ' && c != '\x7f' ? !kSpecials.contains(c) : static_cast<unsigned char>(c) >= 0x80;
  };
  bool plain = !local_part.empty();
  bool after_dot = true;  // an atom has to begin here
  for (const char c : local_part) {
    if (c == '.' ? after_dot : !is_atom_character(c)) plain = false;
    after_dot = c == '.';
  }
  if (plain && !after_dot) return std::string(local_part);
  std::string quoted = "\"";
  for (const char c : local_part) {
    if (c == '"' || c == '\\' || c == '\r') quoted += '\\';
    quoted += c;
  }
  quoted += '"';
  return quoted;
}

std::optional<Extension> split_extension(std::string_view local_part, const Delimiters& delimiters) {
  if (delimiters.characters.empty()) return std::nullopt;
  for (const std::string_view whole :
       {std::string_view("mailer-daemon"), std::string_view("postmaster"), delimiters.double_bounce_sender}) {
    if (base::equals_folded(local_part, whole)) return std::nullopt;
  }
  if (delimiters.owner_request_special && delimiters.characters.contains('-')) {
    constexpr std::string_view kRequest = "-request";
    if (base::starts_with_folded(local_part, "owner-")) return std::nullopt;
    if (local_part.size() > kRequest.size() &&
        base::equals_folded(local_part.substr(local_part.size() - kRequest.size()), kRequest)) {
      return std::nullopt;
    }
  }
  const auto place = local_part.find_first_of(delimiters.characters);
  if (place == std::string_view::npos || place == 0) return std::nullopt;
  return Extension{local_part.substr(0, place), local_part.substr(place)};
}

std::vector<SearchKey> mail_address_keys(std::string_view address, const Delimiters& delimiters, bool domain_is_local) {
  if (address.empty()) return {};
  const Address parts(address, delimiters);
  Keys keys;
  parts.add_whole(keys);
  if (domain_is_local && parts.has_at()) parts.add_local(keys, "");
  if (!parts.domain().empty()) keys.partial("@" + std::string(parts.domain()));
  return keys.take();
}

std::vector<SearchKey> transport_keys(std::string_view address, const Delimiters& delimiters,
                                      bool parent_matches_subdomains) {
  if (address.empty()) return {};
  const Address parts(address, delimiters);
  Keys keys;
  parts.add_whole(keys);
  keys.partial(std::string(parts.domain()));
  add_parents(keys, parts.domain(), parent_matches_subdomains);
  keys.partial("*");
  return keys.take();
}

std::vector<SearchKey> access_address_keys(std::string_view address, const Delimiters& delimiters,
                                           bool parent_matches_subdomains) {
  if (address.empty()) return {};
  const Address parts(address, delimiters);
  Keys keys;
  parts.add_whole(keys);
  keys.partial(std::string(parts.domain()));
  add_parents(keys, parts.domain(), parent_matches_subdomains);
  parts.add_local(keys, "@");
  return keys.take();
}

std::vector<SearchKey> domain_keys(std::string_view domain, bool parent_matches_subdomains) {
  Keys keys;
  keys.whole(std::string(domain));
  add_parents(keys, domain, parent_matches_subdomains);
  return keys.take();
}

std::vector<SearchKey> ip_address_keys(std::string_view address) {
  Keys keys;
  keys.whole(std::string(address));
  if (address.size() > kLongestIpAddress) return keys.take();
  const char separator = address.contains(':') ? ':' : '.';
  for (auto end = address.rfind(separator); end != std::string_view::npos; end = address.rfind(separator)) {
    address = address.substr(0, end);
    keys.partial(std::string(address));
  }
  return keys.take();
}

std::vector<SearchKey> alias_keys(std::string_view local_part, const Delimiters& delimiters) {
  Keys keys;
  keys.whole(fold_key(local_part, true));
  if (const auto extension = split_extension(local_part, delimiters)) {
    keys.partial_without_extension(fold_key(extension->base, true));
  }
  return keys.take();
}

std::vector<SearchKey> mailbox_keys(std::string_view address, const Delimiters& delimiters) {
  return mail_address_keys(address, delimiters, false);
}

std::vector<SearchKey> tls_policy_keys(std::string_view nexthop) {
  Keys keys;
  keys.whole(std::string(nexthop));
  if (!nexthop.starts_with('[') && !nexthop.contains(':')) add_parents(keys, nexthop, false);
  return keys.take();
}

std::vector<SearchKey> sender_login_keys(std::string_view sender, const Delimiters& delimiters, bool domain_is_local) {
  return mail_address_keys(sender, delimiters, domain_is_local);
}

std::expected<std::optional<Hit>, Error> search(const TableList& tables, std::span<const SearchKey> keys) {
  if (tables.empty()) return std::nullopt;
  for (const SearchKey& key : keys) {
    const auto ask = key.reach == KeyReach::all_tables ? TableList::Ask::all_tables : TableList::Ask::fixed_only;
    auto answer = tables.lookup(key.key, ask);
    if (!answer) return std::unexpected(std::move(answer.error()));
    if (*answer) return Hit{std::move(**answer), key};
  }
  return std::nullopt;
}

}  // namespace table
