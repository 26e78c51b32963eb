#include "routing/address_classes.h"

#include "base/text.h"
#include "base/word_list.h"
#include "config/param.h"
#include "logging/log.h"

namespace routing {

namespace {

namespace param = config::param;

constexpr std::size_t kMostCachedDomains = 10000;

// A list that is all plain text answers the same for ever; tables may not.
bool is_fixed(std::string_view list) {
  for (const std::string_view item : base::split_grouped(list)) {
    if (item.contains(':') && !item.starts_with('[')) return false;
    if (item.contains('/')) return false;  // a file may name tables
  }
  return true;
}

table::MatchList domain_list(const config::Config& config, const table::Settings& settings, config::TextKey key,
                             std::string_view name) {
  const bool parents = base::has_word(config[param::parent_domain_matches_subdomains], name);
  return {name, config[key], settings, {.parent_matches_subdomains = parents}};
}

template <typename Known, typename Value>
void remember(Known& known, std::string_view domain, Value value) {
  if (known.size() >= kMostCachedDomains) known.clear();
  known.emplace(domain, value);
}

}  // namespace

std::string_view name_of(AddressClass address_class) {
  switch (address_class) {
    case AddressClass::local:
      return "local";
    case AddressClass::virtual_alias:
      return "virtual alias";
    case AddressClass::virtual_mailbox:
      return "virtual mailbox";
    case AddressClass::relay:
      return "relay";
    case AddressClass::other:
      return "default";
  }
  return "default";
}

std::string_view decider_of(AddressClass address_class) {
  switch (address_class) {
    case AddressClass::local:
      return "mydestination";
    case AddressClass::virtual_alias:
      return "virtual_alias_domains";
    case AddressClass::virtual_mailbox:
      return "virtual_mailbox_domains";
    case AddressClass::relay:
      return "relay_domains";
    case AddressClass::other:
      return "no list has the domain";
  }
  return {};
}

AddressClasses::AddressClasses(const config::Config& config, const table::Settings& settings)
    : mydestination_(domain_list(config, settings, param::mydestination, "mydestination")),
      virtual_alias_domains_(domain_list(config, settings, param::virtual_alias_domains, "virtual_alias_domains")),
      virtual_mailbox_domains_(
          domain_list(config, settings, param::virtual_mailbox_domains, "virtual_mailbox_domains")),
      relay_domains_(domain_list(config, settings, param::relay_domains, "relay_domains")),
      own_addresses_(config),
      helpful_warnings_(config[param::helpful_warnings]),
      local_is_fixed_(is_fixed(config[param::mydestination])),
      class_is_fixed_(is_fixed(config[param::virtual_alias_domains]) &&
                      is_fixed(config[param::virtual_mailbox_domains]) && is_fixed(config[param::relay_domains])) {}

// Whoever listens is told of the list, and so it is asked, whatever is known.
std::expected<bool, table::Error> AddressClasses::is_local(std::string_view domain, Observer* observer) const {
  if (domain.ends_with('.')) domain.remove_suffix(1);
  if (domain.empty()) return false;
  if (domain.starts_with('[')) {
    const bool is_own = own_addresses_.has(domain);
    if (observer != nullptr) observer->listed("inet_interfaces", domain, is_own);
    return is_own;
  }
  if (observer != nullptr) {
    const auto answer = mydestination_.has_string(domain);
    if (answer) observer->listed("mydestination", domain, *answer);
    return answer;
  }
  if (!local_is_fixed_) return mydestination_.has_string(domain);
  if (const auto known = known_local_.find(std::string(domain)); known != known_local_.end()) return known->second;
  const auto answer = mydestination_.has_string(domain);
  if (answer) remember(known_local_, domain, *answer);
  return answer;
}

std::expected<AddressClass, table::Error> AddressClasses::class_of(std::string_view domain, Observer* observer) const {
  if (class_is_fixed_ && observer == nullptr) {
    if (const auto known = known_class_.find(std::string(domain)); known != known_class_.end()) return known->second;
  }
  AddressClass found = AddressClass::other;
  const auto told = [&](std::string_view parameter, std::expected<bool, table::Error> answer) {
    if (observer != nullptr && answer) observer->listed(parameter, domain, *answer);
    return answer;
  };
  if (const auto is_alias = told("virtual_alias_domains", virtual_alias_domains_.has_string(domain)); !is_alias) {
    return std::unexpected(is_alias.error());
  } else if (*is_alias) {
    found = AddressClass::virtual_alias;
  } else if (const auto is_mailbox = told("virtual_mailbox_domains", virtual_mailbox_domains_.has_string(domain));
             !is_mailbox) {
    return std::unexpected(is_mailbox.error());
  } else if (*is_mailbox) {
    found = AddressClass::virtual_mailbox;
  } else if (const auto is_relay = told("relay_domains", relay_domains_.has_domain(domain)); !is_relay) {
    return std::unexpected(is_relay.error());
  } else if (*is_relay) {
    found = AddressClass::relay;
  }
  if (class_is_fixed_) remember(known_class_, domain, found);
  return found;
}

// Each domain is looked at once: the answers cost look-ups, and saying it once is enough.
void AddressClasses::warn_of_two(std::string_view domain, AddressClass found) const {
  if (!helpful_warnings_ || known_warned_.size() >= kMostCachedDomains || !known_warned_.emplace(domain).second) return;
  const auto warn = [&](std::string_view one, std::string_view other) {
    logging::warning("router.two_classes", "do not list domain {domain} in BOTH {one} and {other}",
                     {{"domain", domain}, {"one", one}, {"other", other}});
  };
  switch (found) {
    case AddressClass::local:
      if (virtual_alias_domains_.has_string(domain).value_or(false)) warn("mydestination", "virtual_alias_domains");
      if (virtual_mailbox_domains_.has_string(domain).value_or(false)) warn("mydestination", "virtual_mailbox_domains");
      return;
    case AddressClass::virtual_alias:
      if (virtual_mailbox_domains_.has_string(domain).value_or(false)) {
        warn("virtual_alias_domains", "virtual_mailbox_domains");
      }
      if (relay_domains_.has_domain(domain).value_or(false)) warn("virtual_alias_domains", "relay_domains");
      return;
    case AddressClass::virtual_mailbox:
      if (relay_domains_.has_domain(domain).value_or(false)) warn("virtual_mailbox_domains", "relay_domains");
      return;
    case AddressClass::relay:
    case AddressClass::other:
      return;
  }
}

bool AddressClasses::has_changed() const {
  return mydestination_.has_changed() || virtual_alias_domains_.has_changed() ||
         virtual_mailbox_domains_.has_changed() || relay_domains_.has_changed();
}

}  // namespace routing
