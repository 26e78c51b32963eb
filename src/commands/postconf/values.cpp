#include "postconf/values.h"

#include <deque>
#include <map>
#include <optional>

#include "base/error.h"
#include "base/text.h"
#include "config/expand.h"
#include "config/registry.h"

namespace postconf {

void check_expressions(const config::Config& config, const Names& names) {
  for (const auto& [name, setting] : config.settings()) {
    if (!setting.value.contains('$') || !names.class_of(name)) continue;
    const config::Parameter* row = config::find_parameter(name);
    if (row != nullptr && row->type != config::Type::raw) (void)config.value(name);
  }
}

void expand_overrides(ServiceEntry& entry, const config::Config& config) {
  std::map<std::string, std::string, std::less<>> own;
  for (const config::Arguments::Option& option : entry.arguments.options) {
    if (!option.is_override) continue;
    if (auto setting = config::split_name_value(option.text)) own[setting->name] = setting->value;
  }
  own["process_name"] = entry.line.command.front();
  own["service_name"] = entry.line.name;
  std::deque<std::string> kept;  // what the look-up gives views of
  const config::RawLookup lookup = [&](std::string_view name) -> std::optional<std::string_view> {
    if (const auto found = own.find(name); found != own.end()) return found->second;
    auto raw = config.raw(name);
    if (!raw) return std::nullopt;
    return kept.emplace_back(std::move(*raw));
  };
  for (config::Arguments::Option& option : entry.arguments.options) {
    if (!option.is_override || !option.text.contains('$')) continue;
    const auto equals = option.text.find('=');
    if (equals == std::string::npos) continue;
    const auto value = config::expand(std::string_view(option.text).substr(equals + 1), lookup);
    if (!value) {
      throw base::Fatal(
          fmt::format("{}: -o {}: {}", entry.line.where.text(), base::printable(option.text), value.error().text));
    }
    option.text = option.text.substr(0, equals + 1) + *value;
  }
}

}  // namespace postconf
