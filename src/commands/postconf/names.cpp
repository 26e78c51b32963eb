#include "postconf/names.h"

#include "base/text.h"
#include "config/expand.h"
#include "config/registry.h"
#include "postconf/table_parameters.h"

namespace postconf {

namespace {

// The registry also describes some members of families (relay_destination_recipient_limit), which exist only with their
// service.
bool is_family_member(const config::Parameter& row) {
  if (!row.default_value.starts_with("$default_")) return false;
  const config::Parameter* family = config::find_family(row.name);
  return family != nullptr && family->default_value == row.default_value;
}

bool is_builtin(const config::Parameter* row) {
  if (row == nullptr || (row->kind != config::Kind::parameter && row->kind != config::Kind::read_only)) return false;
  return !is_family_member(*row);
}

// A line that names what is nearest in spelling is worth more than one that says no.
std::string with_hint(std::string text, std::string_view name) {
  if (const auto near = config::nearest_name(name)) text += fmt::format("; did you mean \"{}\"?", *near);
  return text;
}

void add_references(std::string_view value, std::set<std::string, std::less<>>& names) {
  if (!value.contains('$')) return;
  config::for_each_reference(value, [&names](std::string_view name) { names.emplace(name); });
}

std::string assignment(std::string_view name, std::string_view value) {
  return base::printable(fmt::format("{}={}", name, value));
}

}  // namespace

Names::Names(const config::Settings& settings, const std::vector<ServiceEntry>& services)
    : settings_(settings), services_(services) {
  for (const ServiceEntry& service : services) {
    const std::string& transport = service.line.name;
    for (const config::Parameter* family : config::families_of(service.line.command.front())) {
      std::string name = transport + std::string(family->name);
      if (!is_builtin(config::find_parameter(name))) service_defaults_.emplace(std::move(name), family->default_value);
    }
    for (const config::Arguments::Option& option : service.arguments.options) {
      if (!option.is_override) continue;
      const auto setting = config::split_name_value(option.text);
      if (!setting) continue;
      add_value(setting->name, setting->value, master_cf_references_);
      overridden_.insert(setting->name);
    }
  }
  for (const auto& [name, setting] : settings) add_value(name, setting.value, main_cf_references_);
}

void Names::add_restriction_classes(std::string_view names) {
  for (const std::string_view name : base::split(names)) main_cf_references_.emplace(name);
}

void Names::add_value(std::string_view name, std::string_view value, std::set<std::string, std::less<>>& references) {
  // Who expands a raw value brings names of its own: $home, $rbl_code.
  if (const config::Parameter* row = config::find_parameter(name); row == nullptr || row->type != config::Type::raw) {
    add_references(value, references);
  }
  add_tables(value);
}

void Names::add_tables(std::string_view value) {
  if (!value.contains(':')) return;
  for (std::string_view word : base::split(value, ", \t\r\n{}")) {
    if (word.starts_with("proxy:")) word.remove_prefix(6);
    const auto colon = word.find(':');
    if (colon == std::string_view::npos || colon + 1 == word.size()) continue;
    const std::string_view type = word.substr(0, colon);
    const std::string_view name = word.substr(colon + 1);
    if (!has_parameters(type)) continue;
    (name.starts_with('/') || name.starts_with('.') ? table_files_ : table_names_).emplace(name, type);
  }
}

bool Names::is_used_by_defaults(std::string_view name) const {
  if (!default_references_) {
    default_references_.emplace();
    for (const config::Parameter& row : config::all_parameters())
      add_references(row.default_value, *default_references_);
  }
  return default_references_->contains(name);
}

std::optional<NameClass> Names::class_of(std::string_view name) const {
  const config::Parameter* row = config::find_parameter(name);
  if (is_builtin(row)) return NameClass::builtin;
  if (service_defaults_.contains(name)) return NameClass::service;
  if (!settings_.contains(name)) return std::nullopt;
  if (main_cf_references_.contains(name) || master_cf_references_.contains(name) || is_used_by_defaults(name)) {
    return NameClass::user;
  }
  for (const auto& [table, type] : table_names_) {
    if (name.starts_with(table) && name.substr(table.size()).starts_with('_') &&
        is_table_parameter(type, name.substr(table.size() + 1))) {
      return NameClass::user;
    }
  }
  return std::nullopt;
}

std::optional<std::string_view> Names::service_default(std::string_view name) const {
  const auto found = service_defaults_.find(name);
  return found != service_defaults_.end() ? std::optional(found->second) : std::nullopt;
}

std::vector<std::string> Names::list(const Classes& classes) const {
  std::vector<std::string> names;
  names.reserve(config::all_parameters().size() + service_defaults_.size());
  if (classes.builtin) {
    for (const config::Parameter& row : config::all_parameters()) {
      if (is_builtin(&row)) names.emplace_back(row.name);
    }
  }
  if (classes.service) {
    for (const auto& [name, default_value] : service_defaults_) names.push_back(name);
  }
  if (classes.user) {
    for (const auto& [name, setting] : settings_) {
      if (class_of(name) == NameClass::user) names.push_back(name);
    }
  }
  std::ranges::sort(names);
  return names;
}

bool Names::is_defined(std::string_view name) const {
  return settings_.contains(name) || overridden_.contains(name) || service_defaults_.contains(name) ||
         config::find_parameter(name) != nullptr;
}

std::vector<Names::Warning> Names::undefined(const std::string& main_cf, const std::string& master_cf) const {
  std::vector<Warning> warnings;
  const auto add = [&](const std::string& path, const std::set<std::string, std::less<>>& references) {
    for (const std::string& name : references) {
      if (is_defined(name)) continue;
      warnings.push_back({"config.undefined_parameter",
                          with_hint(fmt::format("{}: undefined parameter: {}", path, base::printable(name)), name)});
    }
  };
  add(master_cf, master_cf_references_);
  add(main_cf, main_cf_references_);
  return warnings;
}

std::vector<Names::Warning> Names::useless_in_main_cf(const std::string& main_cf) const {
  std::vector<Warning> warnings;
  for (const auto& [name, setting] : settings_) {
    const config::Parameter* row = config::find_parameter(name);
    const bool has_advice = row != nullptr && !row->advice.empty();
    if (class_of(name)) {
      if (!has_advice) continue;
      warnings.push_back(
          {"config.deprecated_parameter",
           fmt::format("{}: support for parameter \"{}\" will be removed; instead, {}", main_cf, name, row->advice)});
    } else {
      std::string text = fmt::format("{}: unused parameter: {}", main_cf, assignment(name, setting.value));
      warnings.push_back({"config.unused_parameter", has_advice ? fmt::format("{}; instead, {}", text, row->advice)
                                                                : with_hint(std::move(text), name)});
    }
  }
  return warnings;
}

std::vector<Names::Warning> Names::useless_in_master_cf(const std::string& master_cf) const {
  std::vector<Warning> warnings;
  for (const ServiceEntry& service : services_) {
    std::map<std::string, std::string> last;
    for (const config::Arguments::Option& option : service.arguments.options) {
      const auto setting = config::split_name_value(option.text);
      if (option.is_override && setting) last[setting->name] = setting->value;
    }
    for (const auto& [name, value] : last) {
      if (class_of(name) || config::find_parameter(name) != nullptr) continue;
      if (main_cf_references_.contains(name) || master_cf_references_.contains(name) || is_used_by_defaults(name))
        continue;
      warnings.push_back(
          {"config.unused_parameter",
           with_hint(fmt::format("{}: unused parameter: {}", master_cf, assignment(name, value)), name)});
    }
  }
  return warnings;
}

std::vector<Names::Warning> Names::useless_in_tables() const {
  std::vector<Warning> warnings;
  for (const auto& [path, type] : table_files_) {
    const auto file = config::read_main_cf(path);
    if (!file) {
      warnings.push_back({"config.table_unreadable", fmt::format("\"{}\" configuration: {}", type, file.error().text)});
      continue;
    }
    for (const auto& [name, setting] : file->settings) {
      if (is_table_parameter(type, name)) continue;
      warnings.push_back({"config.unused_parameter",
                          fmt::format("{}:{}: unused parameter: {}", type, path, assignment(name, setting.value))});
    }
  }
  return warnings;
}

}  // namespace postconf
