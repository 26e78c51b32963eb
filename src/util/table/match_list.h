#pragma once
// The pattern lists of main.cf (mynetworks, mydestination, relay_domains, debug_peer_list, ...): tried in order, the first match
// decides. A pattern is a name, .parent, network/bits, address; /file stands for the file's patterns; type:table matches when
// the table has the key; !pattern decides "no".

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "table/open.h"
#include "table/table.h"

namespace table {

class MatchList {
 public:
  struct Rules {
    bool parent_matches_subdomains = false;  // example.com also stands for its subdomains
  };
  // A list with a mistake in it (bad network, missing /file) answers look-ups with that error, and check() tells it.
  MatchList(std::string_view parameter, std::string_view value, const Settings& settings, Rules rules);
  ~MatchList();
  MatchList(MatchList&&) noexcept;

  std::expected<bool, Error> has_string(std::string_view text) const;                 // exact, folded
  std::expected<bool, Error> has_domain(std::string_view domain) const;               // name and parents
  std::expected<bool, Error> has_host(std::string_view name, std::string_view address) const;
  std::expected<bool, Error> has_address(std::string_view address) const;             // user@domain and domains

  std::vector<Error> check() const;

 private:
  struct Pattern;
  std::string parameter_;
  Rules rules_;
  std::vector<Pattern> patterns_;
};

}  // namespace table
