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
    try {
      for (const auto name : base::split(config[param::smtpd_restriction_classes])) use(name);
    } catch (const BadValue&) {
      // Told as an error of its own.
    }
    follow_users();
  }

  bool knows(std::string_view name) const {
    if (find_parameter(name) != nullptr || find_family(name) != nullptr || used_.contains(name)) return true;
    return std::ranges::any_of(prefixes_, [&](const std::string& prefix) { return name.starts_with(prefix); });
  }

 private:
  void use(std::string_view name) {
    if (used_.emplace(name).second) to_follow_.emplace_back(name);
  }

  void follow_users() {
    while (!to_follow_.empty()) {
      const std::string name = std::move(to_follow_.back());
      to_follow_.pop_back();
      const auto setting = config_.settings().find(name);
      if (setting != config_.settings().end() && find_parameter(name) == nullptr) follow(setting->second.value);
    }
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
  std::vector<std::string> to_follow_;
};

// Whether the value of a name depends on one of some others, directly or through further ones.
class Dependence {
 public:
  Dependence(const Config& config, const Names& names) : config_(config), names_(names) {}

  bool of(std::string_view name) {
    root_ = name;
    seen_.clear();
    return follows(name, 0);
  }

 private:
  bool follows(std::string_view name, int depth) {
    // What is deeper cannot be expanded either, and is told as that.
    constexpr int kDeepest = 200;
    if (depth > kDeepest || !seen_.emplace(name).second) return false;
    bool found = false;
    auto look = [&](std::string_view other) {
      found = found || (other != root_ && names_.contains(other)) || follows(other, depth + 1);
    };
    const Parameter* row = find_parameter(name);
    const auto setting = config_.settings().find(name);
    const bool is_set = setting != config_.settings().end();
    const std::string_view written = is_set ? std::string_view(setting->second.value) : std::string_view();
    const std::string_view text = is_set || row == nullptr ? written : row->default_value;
    for_each_reference(text, look);
    if (text == "@mydomain") look("myhostname");
    if (text == "@myhostname" && config_.settings().contains("mydomain")) look("mydomain");
    if (text == "@mynetworks") {
      for (const char* part : {"inet_interfaces", "inet_protocols", "mynetworks_style"}) look(part);
    }
    return found;
  }

  const Config& config_;
  const Names& names_;
  std::string_view root_;
  Names seen_;
};

struct Failure {
  std::string name;
  int line;  // 0 for a default
  std::string text;
};

// In the order of lines, without those that only pass on what is wrong with another value. Of values that refer to each
// other in a circle the first one stays.
std::vector<Failure> causes_of(const Config& config, std::vector<Failure> failures) {
  const auto line_of = [](const Failure& failure) {
    return failure.line > 0 ? failure.line : std::numeric_limits<int>::max();
  };
  std::ranges::sort(failures, [&](const Failure& a, const Failure& b) {
    return line_of(a) != line_of(b) ? line_of(a) < line_of(b) : a.name < b.name;
  });
  Names failed;
  for (const Failure& failure : failures) failed.insert(failure.name);
  Names causes;
  for (Dependence on_failed(config, failed); const Failure& failure : failures) {
    if (!on_failed.of(failure.name)) causes.insert(failure.name);
  }
  for (Dependence on_causes(config, causes); const Failure& failure : failures) {
    if (!on_causes.of(failure.name)) causes.insert(failure.name);
  }
  std::erase_if(failures, [&](const Failure& failure) { return !causes.contains(failure.name); });
  return failures;
}

}  // namespace

Config::Findings Config::check(std::string_view program) const {
  std::vector<Failure> failures;
  auto try_value = [&](const std::string& name, const Parameter& row, int line) {
    if (!program.empty() && !is_used_by(row, program)) return;
    try {
      check_value(name, row);
    } catch (const BadValue& bad) {
      failures.push_back({name, line, bad.what()});
    }
  };
  for (const auto& [name, setting] : settings()) {
    const Parameter* row = find_parameter(name);
    if (row == nullptr) row = find_family(name);
    if (row != nullptr && (can_have_value(*row) || row->kind == Kind::family))
      try_value(name, *row, setting.where.line);
  }
  for (const Parameter& row : all_parameters()) {
    // Defaults without a $ have been checked by the build.
    const bool varies = row.default_value.contains('$') || row.default_value.starts_with('@');
    if (varies && can_have_value(row) && !settings().contains(row.name)) try_value(std::string(row.name), row, 0);
  }
  Findings findings;
  bool strict = false;
  for (Failure& failure : causes_of(*this, std::move(failures))) findings.errors.push_back({std::move(failure.text)});
  try {
    strict = (*this)[param::strict_parameter_names];
  } catch (const BadValue&) {
    // Told above.
  }

  // Whether a setting asks for anything but what is done without it.
  const auto asks_for = [this](const Parameter& row) {
    try {
      const std::string wanted = (row.type == Type::raw ? raw(row.name) : value(row.name)).value_or("");
      return !wanted.empty() && wanted != expand(default_of(row.name).value_or("")).value_or("");
    } catch (const BadValue&) {
      return false;  // told above
    }
  };
  const KnownNames known(*this);
  int unknown = 0;
  for (const auto& [name, setting] : settings()) {
    if (const Parameter* row = find_parameter(name); row != nullptr && !row->advice.empty()) {
      const bool is_gone = row->kind == Kind::obsolete;
      findings.remarks.push_back({"config.deprecated", setting.where,
                                  (is_gone ? "parameter \"" : "support for parameter \"") + name +
                                      (is_gone ? "\" is obsolete; instead, " : "\" will be removed; instead, ") +
                                      std::string(row->advice)});
    }
    if (const Parameter* row = find_parameter(name);
        row != nullptr && !row->unserved.empty() && (program.empty() || is_used_by(*row, program)) && asks_for(*row)) {
      findings.remarks.push_back({"config.unserved", setting.where,
                                  "parameter " + name + " is not served yet: " + std::string(row->unserved)});
    }
    if (known.knows(name)) continue;
    // A file full of strangers has another problem than spelling.
    constexpr int kMostAdvised = 100;
    const auto nearest = ++unknown <= kMostAdvised ? nearest_name(name) : std::nullopt;
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
