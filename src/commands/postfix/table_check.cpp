#include "postfix/table_check.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"
#include "base/word_list.h"
#include "config/master_cf.h"
#include "config/param.h"
#include "config/registry.h"
#include "table/open.h"

namespace postfix {

namespace {

namespace param = config::param;

constexpr std::array<std::string_view, 6> kEndings = {"_maps", "_map", "_tables", "_table", "_checks", "_database"};
constexpr std::array<std::string_view, 2> kOthers = {"smtpd_sender_login_maps", "smtp_reply_filter"};
// Their names cannot stand for anything but a table.
constexpr std::array<std::string_view, 8> kFileTypes = {"hash",     "btree",  "lmdb", "cdb",
                                                        "texthash", "regexp", "pcre", "cidr"};
// Opening them says nothing, or takes a network.
constexpr std::array<std::string_view, 9> kNotTried = {"ldap",    "mysql", "pgsql",     "sqlite", "memcache",
                                                       "mongodb", "tcp",   "socketmap", "proxy"};
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kIndexEndings = {
    {{"hash", ".db"}, {"btree", ".db"}, {"lmdb", ".lmdb"}, {"cdb", ".cdb"}}};

template <std::size_t count>
bool is_among(std::string_view name, const std::array<std::string_view, count>& names) {
  return std::ranges::find(names, name) != names.end();
}

// What newaliases builds; whether anyone reads it is said elsewhere.
constexpr std::string_view kBuiltWhenAskedFor = "alias_database";

// Caches, of the programs that fill them.
bool is_made_when_needed(std::string_view parameter) {
  return parameter == "address_verify_map" || parameter.ends_with("_cache_map") ||
         parameter.ends_with("_cache_database");
}

// Which tables a proxy may open; who uses them says so elsewhere.
bool is_permission(std::string_view parameter) {
  return parameter == "proxy_read_maps" || parameter == "proxy_write_maps";
}

std::string_view type_of(std::string_view table) {
  return table.substr(0, table.find(':'));
}

std::string_view without_proxy(std::string_view table) {
  while (table.starts_with("proxy:")) table.remove_prefix(6);
  return table;
}

std::string_view index_ending(std::string_view type) {
  for (const auto& [name, ending] : kIndexEndings) {
    if (name == type) return ending;
  }
  return {};
}

struct Use {
  std::string where;  // "/etc/postfix/main.cf, line 12: parameter alias_maps"
  std::string parameter;
  std::string table;
  bool is_needed = true;  // no default, and read by some program
};

// Each table once, at the first place that names it.
class Uses {
 public:
  void take(const std::string& where, std::string_view parameter, std::string_view value, bool is_needed = true) {
    for (std::string& table : tables_in(parameter, value)) {
      if (seen_.insert(table).second) all_.push_back({where, std::string(parameter), std::move(table), is_needed});
    }
  }
  const std::vector<Use>& all() const { return all_; }

 private:
  std::set<std::string> seen_;
  std::vector<Use> all_;
};

std::optional<std::string> value_of(const config::Config& config, std::string_view name) {
  try {
    return config.value(name);
  } catch (const config::BadValue&) {
    return std::nullopt;  // told by the check of parameters
  }
}

// A name of the administrator's own is for others to refer to: what nobody reads need not be there.
bool is_read(const config::Config& config, std::string_view name) {
  if (config::find_parameter(name) != nullptr || config::find_family(name) != nullptr) return true;
  const std::string classes = value_of(config, "smtpd_restriction_classes").value_or("");
  return base::has_word(classes, name);
}

void find_uses_in_main_cf(const config::Config& config, Uses& uses, bool is_read_by_programs) {
  for (const auto& [name, setting] : config.settings()) {
    if (is_read(config, name) != is_read_by_programs) continue;
    if (const auto value = value_of(config, name)) {
      uses.take(fmt::format("{}: parameter {}", setting.where.text(), name), name, *value, is_read_by_programs);
    }
  }
}

Uses find_uses(const Installation& installation) {
  Uses uses;
  const config::Config& config = installation.config;
  find_uses_in_main_cf(config, uses, true);
  for (const config::Parameter& row : config::all_parameters()) {
    if (row.kind != config::Kind::parameter || row.type != config::Type::text) continue;
    if (config.settings().contains(row.name) || !holds_tables(row.name) || row.name == kBuiltWhenAskedFor) continue;
    if (const auto value = value_of(config, row.name)) {
      uses.take(fmt::format("parameter {} (default)", row.name), row.name, *value, false);
    }
  }
  // master tells what is wrong with master.cf.
  const auto file = config::read_master_cf(installation.config_directory + "/master.cf", false);
  for (const config::ServiceLine& line : file ? file->lines : std::vector<config::ServiceLine>()) {
    for (const auto& option : config::arguments_of(line).options) {
      if (!option.is_override) continue;
      const auto setting = config::split_name_value(option.text);
      if (!setting) continue;
      if (const auto value = config.expand(setting->value)) {
        uses.take(fmt::format("{}: -o {}", line.where.text(), setting->name), setting->name, *value);
      }
    }
  }
  find_uses_in_main_cf(config, uses, false);
  return uses;
}

bool is_older(const struct stat& a, const struct stat& b) {
  return std::pair(a.st_mtim.tv_sec, a.st_mtim.tv_nsec) < std::pair(b.st_mtim.tv_sec, b.st_mtim.tv_nsec);
}

void check_age(const Use& use, std::string_view table, Tally& tally) {
  const auto ending = index_ending(type_of(table));
  if (ending.empty()) return;
  const std::string source(table.substr(table.find(':') + 1));
  struct stat source_state{};
  struct stat index_state{};
  if (::stat(source.c_str(), &source_state) != 0) return;
  if (::stat((source + std::string(ending)).c_str(), &index_state) != 0) return;
  if (!is_older(index_state, source_state)) return;
  ++tally.warnings;
  warn(fmt::format("{}: database {}{} is older than source file {}; run \"{}\"", use.where, source, ending, source,
                   build_command(use.parameter, table)));
}

void check_table(const Use& use, const table::Settings& settings, Tally& tally) {
  const std::string_view name = without_proxy(use.table);
  const std::string_view type = type_of(name);
  if (is_among(type, kNotTried)) {
    if (table::is_type(type)) return;
    ++tally.errors;
    complain(fmt::format("{}: unsupported dictionary type: {}", use.where, base::printable(type)));
    return;
  }
  const auto opened = table::open(name, settings);
  if (opened) {
    check_age(use, name, tally);
    return;
  }
  std::string text = fmt::format("{}: {}", use.where, opened.error().text);
  if (!type.empty() && name.contains(':') && !table::is_type(type)) {
    const auto known = table::types();
    if (const auto near = config::nearest_of(type, known)) {
      text += fmt::format("; did you mean \"{}\"?", *near);
    }
  }
  if (const std::string command = build_command(use.parameter, name); !command.empty()) {
    text += fmt::format("; \"{}\" makes it of its source file", command);
  }
  // A system on which nobody has run newaliases yet is a system all the same.
  ++(use.is_needed ? tally.errors : tally.warnings);
  say(use.is_needed ? logging::Level::error : logging::Level::warning, text);
}

}  // namespace

bool holds_tables(std::string_view parameter) {
  if (is_made_when_needed(parameter) || is_permission(parameter)) return false;
  if (is_among(parameter, kOthers)) return true;
  return std::ranges::any_of(kEndings, [&](std::string_view ending) { return parameter.ends_with(ending); });
}

std::vector<std::string> tables_in(std::string_view parameter, std::string_view value) {
  std::vector<std::string> tables;
  if (is_made_when_needed(parameter) || is_permission(parameter)) return tables;
  const bool only_tables = holds_tables(parameter);
  for (const std::string_view word : base::split_grouped(value)) {
    const auto colon = word.find(':');
    if (colon == std::string_view::npos && parameter.ends_with("_maps")) tables.emplace_back(word);
    if (colon == std::string_view::npos || colon == 0 || colon + 1 == word.size()) continue;
    const std::string_view type = type_of(without_proxy(word));
    if (only_tables ? std::ranges::all_of(type, [](char c) { return base::is_alnum(c) || c == '_' || c == '-'; })
                    : is_among(type, kFileTypes)) {
      tables.emplace_back(word);
    }
  }
  return tables;
}

std::string build_command(std::string_view parameter, std::string_view table) {
  table = without_proxy(table);
  if (index_ending(type_of(table)).empty()) return {};
  const bool holds_aliases = parameter == "alias_maps" || parameter == "alias_database";
  return fmt::format("{} {}", holds_aliases ? "postalias" : "postmap", table);
}

void check_tables(const Installation& installation, Tally& tally) {
  table::Settings settings;
  try {
    settings = table::Settings::from(installation.config);
  } catch (const config::BadValue&) {
    return;  // told by the check of parameters
  }
  const Uses uses = find_uses(installation);
  for (const Use& use : uses.all()) check_table(use, settings, tally);
}

}  // namespace postfix
