#include "base/text.h"
#include "config/registry.h"
#include "postconf/show.h"

namespace postconf {

namespace {

// Values as the request wants them: what is set or the default, expanded or not.
class Values {
 public:
  Values(const Request& request, const config::Config& config, const Names& names)
      : request_(request), config_(config), names_(names) {}

  // Nothing when -n asks for settings only and there is none.
  std::optional<std::string> of(const std::string& name) const {
    if (request_.only_set && !config_.settings().contains(name)) return std::nullopt;
    // With -d the configuration is that of an empty main.cf.
    const config::Parameter* row = config::find_parameter(name);
    const bool expand = request_.expand && (row == nullptr || row->type != config::Type::raw);
    return expand ? config_.value(name) : raw(name);
  }

 private:
  std::optional<std::string> raw(const std::string& name) const {
    if (const auto of_service = names_.service_default(name); of_service && !config_.settings().contains(name)) {
      return std::string(*of_service);
    }
    return config_.raw(name);
  }

  const Request& request_;
  const config::Config& config_;
  const Names& names_;
};

}  // namespace

std::string show_parameters(const Request& request, const config::Config& config, const Names& names,
                            const Warn& warn) {
  const Form form{request.show_names, request.show_values, request.fold, request.json};
  const Values values(request, config, names);
  std::string out;
  const auto show = [&](const std::string& name) {
    if (const auto value = values.of(name)) out += setting_text(name, *value, form);
  };
  if (request.operands.empty() && request.only_set) {
    const Classes& classes = request.classes;
    for (const auto& [name, setting] : config.settings()) {
      const auto known = names.class_of(name);
      if (!known) continue;
      const bool wanted = *known == NameClass::builtin   ? classes.builtin
                          : *known == NameClass::service ? classes.service
                                                         : classes.user;
      if (wanted) show(name);
    }
    return out;
  }
  if (request.operands.empty()) {
    out.reserve(64UL * 1024);
    for (const std::string& name : names.list(request.classes)) show(name);
    return out;
  }
  for (const std::string& name : request.operands) {
    if (names.class_of(name)) {
      show(name);
    } else {
      warn("config.unknown_parameter", base::printable(name) + ": unknown parameter");
    }
  }
  return out;
}

}  // namespace postconf
