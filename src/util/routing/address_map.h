#pragma once
// Tables that turn addresses into other addresses: canonical, virtual aliases, BCC, generic, relocated,
// sender-dependent ones.

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "routing/router.h"
#include "table/list.h"

namespace routing {

class AddressMap {
 public:
  // `parameter` is the list's name in main.cf ("canonical_maps"), `kind` its word in propagate_unmatched_extensions
  // ("canonical", "virtual", "generic", ...; empty: never).
  AddressMap(const config::Config& config, const Router& router, std::string_view parameter, std::string_view kind);

  bool empty() const;
  bool has_changed() const;
  const std::string& parameter() const { return tables_.parameter(); }

  // The first hit of user+ext@domain, user@domain, (user+ext, user when the domain is $myorigin or local), @domain.
  // Results in internal form, rewritten to full addresses in the local context; @domain results keep the local part; an
  // extension that no key had is put back where the kind says so. Empty: no hit. Results that are malformed are errors.
  std::expected<std::vector<std::string>, table::Error> find(std::string_view address,
                                                             Observer* observer = nullptr) const;
  // For maps with one result (canonical): the first, of which more are told in the log. Nothing: no hit.
  std::expected<std::optional<std::string>, table::Error> find_one(std::string_view address,
                                                                   Observer* observer = nullptr) const;

 private:
  const config::Config& config_;
  const Router& router_;
  table::TableList tables_;
  bool propagates_;
};

// One address through virtual_alias_maps until nothing changes any more: at most virtual_alias_recursion_limit deep and
// virtual_alias_expansion_limit wide, each address no longer than virtual_alias_address_length_limit. An address that
// is its own result stays. The order is that of the tables' results; no address comes twice.
struct Expansion {
  std::vector<std::string> addresses;
  std::string problem;  // a limit was met: the message waits, with this text
};
std::expected<Expansion, table::Error> expand_virtual(const AddressMap& map, const config::Config& config,
                                                      std::string_view address, Observer* observer = nullptr);

// canonical_maps until it changes nothing (limited), for one address. `queue_id`: whose address it is, for warnings.
std::expected<std::string, table::Error> canonical(const AddressMap& map, std::string_view address,
                                                   Observer* observer = nullptr, std::string_view queue_id = {});

// masquerade_domains and masquerade_exceptions: user@host.example.com -> user@example.com.
class Masquerade {
 public:
  explicit Masquerade(const config::Config& config);
  ~Masquerade();
  std::expected<std::string, table::Error> apply(std::string_view address, Observer* observer = nullptr) const;
  bool empty() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace routing
