// Config::check: everything that is wrong, at once.

#include <set>

#include "base/text.h"
#include "config/config.h"
#include "config/expand.h"
#include "config/param.h"
#include "config/registry.h"
#include "config/typed.h"

namespace config {

namespace {

using Names = std::set<std::string, std::less<>>;

// Tables whose old form ldap:name reads its settings name_server_host, ... from main.cf.
constexpr std::string_view kTablesWithParameters[] = {"ldap:", "mysql:", "pgsql:", "sqlite:", "memcache:", "mongodb:"};

bool can_have_value(const Parameter& row) {
  return row.kind == Kind::parameter || row.kind == Kind::read_only;
}

// The names that others may go by: referred to by a value that counts, a restriction class, or the prefix of an
// old-style table.
class KnownNames {
 public:
  explicit KnownNames(const Config& config) : config_(config) {
    for (const auto& [name, setting] : config.settings()) {
      if (find_parameter(name) != nullptr || find_family(name) != nullptr) follow(setting.value);
    }
    for (const Parameter& row : all_parameters()) {
      if (row.kind != Kind::obsolete && !config.settings().contains(row.name)) follow(row.default_value);
    }
    if (const auto classes = config.raw("smtpd_restriction_classes")) {
      for (const auto name : base::split(*classes)) use(name);
    }
  }

  bool knows(std::string_view name) const {
    if (find_parameter(name) != nullptr || find_family(name) != nullptr || used_.contains(name)) return true;
    return std::ranges::any_of(prefixes_, [&](const std::string& prefix) { return name.starts_with(prefix); });
  }

 private:
  void use(std::string_view name) {
    if (!used_.emplace(name).second) return;
    const auto setting = config_.settings().find(name);
    if (setting != config_.settings().end() && find_parameter(name) == nullptr) follow(setting->second.value);
  }

  void follow(std::string_view text) {
    if (text.contains('$')) for_each_reference(text, [this](std::string_view name) { use(name); });
    if (!text.contains(':')) return;
    for (std::string_view word : base::split(text, ", \t\r\n{}")) {
      if (word.starts_with("proxy:")) word.remove_prefix(6);
      for (const auto table : kTablesWithParameters) {
        if (word.starts_with(table) && !word.contains('/'))
          prefixes_.insert(std::string(word.substr(table.size())) + "_");
      }
    }
  }

  const Config& config_;
  Names used_;
  Names prefixes_;
};

}  // namespace

Config::Findings Config::check(std::string_view program) const {
  Findings findings;
  Names wrong;
  auto try_value = [&](std::string_view name, const Parameter& row) {
    try {
      check_value(name, row);
    } catch (const BadValue& bad) {
      findings.errors.push_back({bad.what()});
      wrong.emplace(name);
    }
  };
  auto concerns = [&](const Parameter& row) { return program.empty() || is_used_by(row, program); };

  // What is set first: a default that only passes on a bad value is not to be told as well.
  for (const auto& [name, setting] : settings()) {
    const Parameter* row = find_parameter(name);
    if (row == nullptr) row = find_family(name);
    if (row != nullptr && (can_have_value(*row) || row->kind == Kind::family) && concerns(*row)) try_value(name, *row);
  }
  for (const Parameter& row : all_parameters()) {
    // Defaults without a $ have been checked by the build.
    if (!can_have_value(row) || !concerns(row) || settings().contains(row.name) || !row.default_value.contains('$'))
      continue;
    bool passes_on = false;
    for_each_reference(row.default_value, [&](std::string_view name) { passes_on |= wrong.contains(name); });
    if (passes_on) {
      wrong.emplace(row.name);
    } else {
      try_value(row.name, row);
    }
  }

  const bool strict = !wrong.contains("strict_parameter_names") && (*this)[param::strict_parameter_names];
  const KnownNames known(*this);
  for (const auto& [name, setting] : settings()) {
    if (const Parameter* row = find_parameter(name); row != nullptr && !row->advice.empty()) {
      const bool is_gone = row->kind == Kind::obsolete;
      findings.remarks.push_back({"config.deprecated", setting.where,
                                  (is_gone ? "parameter \"" : "support for parameter \"") + name +
                                      (is_gone ? "\" is obsolete; instead, " : "\" will be removed; instead, ") +
                                      std::string(row->advice)});
    }
    if (known.knows(name)) continue;
    const auto nearest = nearest_name(name);
    std::string text = "unused parameter: " + base::printable(name) + "=" + base::printable(setting.value);
    if (nearest) text += "; did you mean \"" + std::string(*nearest) + "\"?";
    if (strict) {
      findings.errors.push_back({setting.where.text() + ": " + text});
    } else {
      findings.remarks.push_back({"config.unused_parameter", setting.where, std::move(text)});
    }
  }
  return findings;
}

}  // namespace config
