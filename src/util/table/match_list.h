#pragma once
// The pattern lists of main.cf (mynetworks, mydestination, relay_domains, ...): tried in order, the first match
// decides. A pattern is a name, .parent, network/bits, address; /file stands for the file's patterns; type:table
// matches when the table has the key; !pattern decides "no". IPv6 addresses and networks stand in brackets:
// [2001:db8::]/32. An item with braces in it (inline:{ a = b, c = d }) is one pattern, whatever separators it holds.

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
  // Reads files and opens tables now. A pattern that cannot be used (missing /file, table that does not open, and where
  // addresses are asked for, a bad network) makes each look-up that reaches it an error; the patterns before it still
  // decide. Nobody may take an error for "no". Error texts begin with the parameter's name.
  MatchList(std::string_view parameter, std::string_view value, const Settings& settings, Rules rules);
  ~MatchList();
  MatchList(MatchList&&) noexcept;

  // A user name or other word: equal, but for upper and lower case. Tables are asked for the word.
  std::expected<bool, Error> has_string(std::string_view text) const;

  // example.com matches itself, and its subdomains when parent_matches_subdomains; .example.com matches the subdomains
  // when not. Tables are asked for the name and then, in the same form, for its parents (table types with patterns: for
  // the name only).
  std::expected<bool, Error> has_domain(std::string_view domain) const;

  // A client or server: each pattern is tried on the name, then on the address. An IPv4 address in IPv6 form is that
  // IPv4 address; patterns never match across the two families. Tables are asked for the whole address only.
  std::expected<bool, Error> has_host(std::string_view name, std::string_view address) const;

  // user@domain: a pattern with an @ is compared with the whole address, any other one with the domain. Tables are
  // asked for the address, then for the domain and its parents.
  std::expected<bool, Error> has_address(std::string_view address) const;

  // All that is wrong with the list, for start-up and for `postfix check`: each mistake names parameter, pattern and
  // file.
  std::vector<Error> check() const;

  bool empty() const;
  bool has_changed() const;  // of its tables

 private:
  struct Pattern;
  class Reader;
  using Matched = std::expected<bool, Error>;
  template <typename Matches>
  Matched first_of(Matches matches) const;
  Matched table_has(const Pattern& pattern, std::string_view key) const;
  Matched domain_matches(const Pattern& pattern, std::string_view folded_domain) const;
  std::string folded(std::string_view text) const;

  std::string parameter_;
  Rules rules_;
  bool utf8_;
  std::vector<Pattern> patterns_;
};

}  // namespace table
