#pragma once
// The configuration as a program uses it: typed, expanded, checked.
//
//   auto config = config::Config::load({.directory = dir, .process_name = "smtpd", .service_name = "smtp"});
//   int limit = (*config)[config::param::smtpd_recipient_limit];
//
// A Config is a snapshot: it never changes after load, and a reload makes a new one. Values are expanded at their first
// use, so a command that needs three parameters pays for three.

#include <chrono>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time_units.h"
#include "config/main_cf.h"
#include "config/parameter.h"

namespace config {

// The initializers let callers name only the members that they set.
struct Source {
  std::string directory = {};             // empty: MAIL_CONFIG, else the built-in default
  std::string process_name = {};          // "smtpd"
  std::string service_name = {};          // "smtp", as in master.cf; empty for commands
  std::vector<NameValue> overrides = {};  // -o options, in order
  bool main_cf_may_be_absent = false;     // postconf -d and the like
};

// A value that cannot be used: wrong type, out of range, bad `$` expression. what() names file, line, parameter, value
// and what is allowed. Thrown by operator[], so that a program ends on it at start-up; check() finds all of them at
// once.
class BadValue : public base::Fatal {
 public:
  using base::Fatal::Fatal;
};

class Config {
 public:
  static std::expected<Config, base::Error> load(const Source& source);
  // From main.cf text; for tests.
  static std::expected<Config, base::Error> from_text(std::string_view main_cf, const Source& source = {});

  Config(Config&&) noexcept;
  Config& operator=(Config&&) noexcept;
  ~Config();

  const std::string& operator[](TextKey key) const;
  const std::string& operator[](RawKey key) const;  // not expanded
  bool operator[](BooleanKey key) const;
  int operator[](IntegerKey key) const;
  long operator[](BigIntegerKey key) const;
  base::Seconds operator[](TimeKey key) const;

  // By name, for families, user-defined parameters and postconf. Nothing when neither set nor known. A member of a
  // family is known for any transport; an obsolete name only when it is set. default_of() looks at nothing that is set,
  // for computed defaults neither.
  std::optional<std::string> raw(std::string_view name) const;    // before expansion; a computed default is computed
  std::optional<std::string> value(std::string_view name) const;  // expanded; throws BadValue
  std::optional<std::string> default_of(
      std::string_view name) const;  // before expansion; a computed default is computed
  // The member of a family for a transport: integer_of("smtp", param::family::destination_concurrency_limit).
  int integer_of(std::string_view transport, IntegerKey family) const;
  base::Seconds time_of(std::string_view transport, TimeKey family) const;
  std::string text_of(std::string_view transport, TextKey family) const;

  // Expands text with this configuration's values.
  std::expected<std::string, base::Error> expand(std::string_view text) const;

  const std::string& directory() const;  // config_directory
  // main.cf and the overrides, before expansion; and config_directory, when it is not the built-in one.
  const Settings& settings() const;
  const std::vector<Remark>& remarks() const;  // of reading main.cf; those of check() are apart

  // Everything wrong with the parameters that `program` uses (all of them when it is empty), and with names that nobody
  // knows: errors stop a program, remarks are warnings. Unknown names are errors when strict_parameter_names is set.
  struct Findings {
    std::vector<base::Error> errors;
    std::vector<Remark> remarks;
  };
  Findings check(std::string_view program = {}) const;

  // Puts import_environment to work on this process (name=value sets, a bare name keeps; everything else is removed).
  void import_environment() const;

 private:
  struct State;
  explicit Config(std::unique_ptr<State> state);
  static Config from_main_cf(MainCf main_cf, const std::string& directory, const Source& source);
  void read_origin() const;
  void check_value(std::string_view name, const Parameter& row) const;  // throws BadValue
  std::unique_ptr<State> state_;
};

// -c, then MAIL_CONFIG, then the built-in default.
std::string choose_directory(std::string_view from_option);

}  // namespace config
