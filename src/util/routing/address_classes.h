#pragma once
// Inside the library: which domains are ours, and in what sense. What is fixed text in main.cf is remembered by domain.

#include <expected>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "config/config.h"
#include "routing/address_class.h"
#include "routing/observer.h"
#include "routing/own_addresses.h"
#include "table/match_list.h"
#include "table/table.h"

namespace routing {

class AddressClasses {
 public:
  // Throws config::BadValue.
  AddressClasses(const config::Config& config, const table::Settings& settings);

  // Whether mail for the domain ends here: mydestination, and for literals the addresses of the machine.
  std::expected<bool, table::Error> is_local(std::string_view domain, Observer* observer = nullptr) const;
  // Of a domain that is not local.
  std::expected<AddressClass, table::Error> class_of(std::string_view domain, Observer* observer = nullptr) const;
  // A domain in the lists of two classes is a mistake that is told once.
  void warn_of_two(std::string_view domain, AddressClass found) const;

  bool has_changed() const;  // of the tables

 private:
  table::MatchList mydestination_;
  table::MatchList virtual_alias_domains_;
  table::MatchList virtual_mailbox_domains_;
  table::MatchList relay_domains_;
  OwnAddresses own_addresses_;
  bool helpful_warnings_;
  bool local_is_fixed_;
  bool class_is_fixed_;
  mutable std::unordered_map<std::string, bool> known_local_;
  mutable std::unordered_map<std::string, AddressClass> known_class_;
  mutable std::unordered_set<std::string> known_warned_;
};

// The parameter that says so, for who asks why.
std::string_view decider_of(AddressClass address_class);

}  // namespace routing
