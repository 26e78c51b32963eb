#pragma once
// Inside the library: what one restriction is, and how a family of them plugs its names in. A family is a file that
// defines a function `<family>_names()` (declared below, listed in vocabulary.cpp); each row makes restrictions of one
// name.
//
//   Outcome reject_it(Evaluation& evaluation) { return evaluation.reject(...); }
//   std::span<const Name> my_names() {
//     static constexpr Name kNames[] = {{"reject_it", Argument::none, make_plain<reject_it>}};
//     return kNames;
//   }

#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "restrictions/evaluation.h"

namespace restrictions {

// One restriction in a list. Shared by all fibers: it holds what was parsed, never what a session is.
class Restriction {
 public:
  virtual ~Restriction() = default;
  // May wait (tables, policy services, the DNS). Whatever it needs of the subject and does not find (no sender yet,
  // ...) makes it say dunno.
  virtual Outcome ask(Evaluation& evaluation) const = 0;
  virtual bool has_changed() const { return false; }
};

// Something in the text that cannot be used; the parser adds file, line and list.
class Mistake : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// What stands behind a name in a list, which the parser takes along.
enum class Argument {
  none,
  word,            // anything: a domain, seconds, ...
  table,           // type:name; the parser has seen that it is one
  table_or_group,  // the same, or a group in braces
  service,         // an endpoint, or a group in braces
};

// One name of the language. `make` gets the argument as it was written ("" for none) and throws Mistake.
struct Name {
  std::string_view name;
  Argument argument;
  std::unique_ptr<Restriction> (*make)(const Environment& environment, std::string_view argument);
};

// For restrictions that need nothing but the evaluation.
class Plain : public Restriction {
 public:
  using Function = Outcome (*)(Evaluation& evaluation);
  explicit Plain(Function function) : function_(function) {}
  Outcome ask(Evaluation& evaluation) const override { return function_(evaluation); }

 private:
  Function function_;
};
template <Plain::Function function>
std::unique_ptr<Restriction> make_plain(const Environment&, std::string_view) {
  return std::make_unique<Plain>(function);
}

// For restrictions on a table: what they do with it is a function.
class OnTable : public Restriction {
 public:
  using Function = Outcome (*)(Evaluation& evaluation, const AccessTable& table);
  OnTable(Function function, std::shared_ptr<const AccessTable> table)
      : function_(function), table_(std::move(table)) {}
  Outcome ask(Evaluation& evaluation) const override { return function_(evaluation, *table_); }
  bool has_changed() const override { return table_->has_changed(); }

 private:
  Function function_;
  std::shared_ptr<const AccessTable> table_;
};
template <OnTable::Function function>
std::unique_ptr<Restriction> make_on_table(const Environment& environment, std::string_view table) {
  return std::make_unique<OnTable>(function, environment.access_table(table));
}

// --- the families
std::span<const Name> generic_names();       // generic.cpp: permit, reject, sleep, ...
std::span<const Name> client_names();        // client.cpp: permit_mynetworks, permit_tls_clientcerts, ...
std::span<const Name> syntax_names();        // syntax.cpp: reject_non_fqdn_*, reject_invalid_helo_hostname
std::span<const Name> access_table_names();  // access_tables.cpp: check_*_access on what the client told
std::span<const Name> login_names();         // logins.cpp: reject_*_sender_login_mismatch
std::span<const Name> destination_names();   // destinations.cpp: *_auth_destination
std::span<const Name> unlisted_names();      // unlisted.cpp: reject_unlisted_*
std::span<const Name> policy_names();        // policy.cpp: check_policy_service
std::span<const Name> verification_names();  // verification.cpp: reject_unverified_*
std::span<const Name> dns_list_names();      // dns_lists.cpp: rbl, rhsbl, dnswl, rhswl
std::span<const Name> server_names();        // mx_ns_a.cpp: check_*_{a,mx,ns}_access
std::span<const Name> backup_names();        // mx_backup.cpp: permit_mx_backup
std::span<const Name> host_names();          // names.cpp: reject_unknown_*

}  // namespace restrictions
