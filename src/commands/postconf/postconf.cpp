#include "postconf/postconf.h"

#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "config/config.h"
#include "config/master_cf.h"
#include "logging/log.h"
#include "postconf/edit_file.h"
#include "postconf/edit_main_cf.h"
#include "postconf/edit_master_cf.h"
#include "postconf/lists.h"
#include "postconf/names.h"
#include "postconf/show.h"
#include "postconf/values.h"

namespace postconf {

namespace {

void warn(std::string_view event, std::string_view text) {
  logging::warning(event, "{text}", {{"text", text}});
}

void tell(const std::vector<config::Remark>& remarks) {
  for (const config::Remark& remark : remarks)
    warn(remark.event, fmt::format("{}: {}", remark.where.text(), remark.text));
}

std::vector<config::NameValue> parse_overrides(const std::vector<std::string>& texts) {
  std::vector<config::NameValue> overrides;
  for (const std::string& text : texts) {
    auto setting = config::split_name_value(text);
    if (!setting) {
      const std::string_view problem = setting.error().text;
      throw base::Fatal(fmt::format("invalid parameter override: {}: {}", base::printable(text),
                                    problem.substr(0, problem.find(": \""))));
    }
    overrides.push_back(std::move(*setting));
  }
  return overrides;
}

// With -d nothing that the administrator wrote counts, not even where main.cf is.
config::Config load_config(const Request& request) {
  config::Source source;
  source.process_name = "postconf";
  if (!request.defaults) {
    source.directory = request.directory;
    source.overrides = parse_overrides(request.overrides);
  }
  auto config = request.defaults ? config::Config::from_text("", source) : config::Config::load(source);
  if (!config) throw base::Fatal(config.error().text);
  logging::debug("postconf.main_cf", "{directory}/main.cf: {count} settings",
                 {{"directory", config->directory()}, {"count", config->settings().size()}});
  tell(config->remarks());
  return std::move(*config);
}

std::vector<ServiceEntry> load_services(const std::string& path, bool must_exist) {
  auto file = config::read_master_cf(path);
  if (!file) {
    // Without master.cf there are no parameters of services, but all others.
    if (must_exist || ::access(path.c_str(), F_OK) == 0) throw base::Fatal(file.error().text);
    warn("config.no_master_cf", file.error().text);
    return {};
  }
  logging::debug("postconf.master_cf", "{path}: {count} services", {{"path", path}, {"count", file->lines.size()}});
  tell(file->remarks);
  std::vector<ServiceEntry> services;
  services.reserve(file->lines.size());
  for (config::ServiceLine& line : file->lines) {
    ServiceEntry& entry = services.emplace_back(std::move(line));
    for (const std::string& problem : entry.arguments.problems) {
      warn("config.service_argument", fmt::format("{}: {}", entry.line.where.text(), problem));
    }
  }
  return services;
}

void append(std::vector<Warning>& all, const std::vector<Names::Warning>& more) {
  for (const Names::Warning& warning : more) all.push_back({warning.event, warning.text});
}

Outcome output(std::string text) {
  return {std::move(text), 0, {}};
}

Outcome show(const Request& request) {
  const std::string directory = config::choose_directory(request.directory);
  const std::string main_cf = directory + "/main.cf";
  const std::string master_cf = directory + "/master.cf";
  const bool of_main_cf = request.subject == Subject::parameters;

  std::vector<ServiceEntry> services;
  if (!of_main_cf) services = load_services(master_cf, true);
  const config::Config config = load_config(request);
  if (of_main_cf) services = load_services(master_cf, false);
  Names names(config.settings(), services);
  if (!request.defaults) {
    if (config.settings().contains("smtpd_restriction_classes")) {
      names.add_restriction_classes(config.value("smtpd_restriction_classes").value_or(""));
    }
    check_expressions(config, names);
    for (const Names::Warning& warning : names.undefined(main_cf, master_cf)) warn(warning.event, warning.text);
  }

  Outcome outcome;
  if (of_main_cf) {
    outcome.output = show_parameters(request, config, names, warn);
    if (!request.defaults && !request.quiet) append(outcome.after, names.useless_in_main_cf(main_cf));
  } else {
    outcome.output = show_services(request, config, services, warn);
  }
  if (!request.defaults && !request.quiet) {
    append(outcome.after, names.useless_in_tables());
    append(outcome.after, names.useless_in_master_cf(master_cf));
  }
  return outcome;
}

Outcome edit(const Request& request) {
  const bool of_main_cf = request.subject == Subject::parameters;
  const std::string path = config::choose_directory(request.directory) + (of_main_cf ? "/main.cf" : "/master.cf");
  std::vector<std::string> warnings;
  logging::debug("postconf.edit", "{path}: {count} requests", {{"path", path}, {"count", request.operands.size()}});
  if (of_main_cf) {
    const auto edits = parse_main_edits(request, warnings);
    edit_file(path,
              [&](std::string_view content) { return edit_main_cf(content, edits, request.action, path, warnings); });
  } else {
    const auto edits = parse_service_edits(request);
    edit_file(path, [&](std::string_view content) { return edit_master_cf(content, edits, request, path, warnings); });
  }
  for (const std::string& warning : warnings) warn("postconf.edit", warning);
  return {};
}

}  // namespace

void tell(const std::vector<Warning>& warnings) {
  for (const Warning& warning : warnings) warn(warning.event, warning.text);
}

Outcome run(const Request& request) {
  logging::set_verbosity(request.verbose);
  if (request.action != Action::show) return edit(request);
  switch (request.subject) {
    case Subject::server_sasl_types:
      return output(server_sasl_types());
    case Subject::client_sasl_types:
      return output(client_sasl_types());
    case Subject::lock_methods:
      return output(lock_methods());
    case Subject::table_types:
      return output(table_types());
    case Subject::tls: {
      auto text = tls_text(request.tls_mode);
      if (!text)
        warn("postconf.tls_mode", fmt::format("unknown 'postconf -T' mode: {}", base::printable(request.tls_mode)));
      return {text.value_or(""), text ? 0 : 1, {}};
    }
    case Subject::expanded_templates:
    case Subject::templates:
      return output(show_templates(request, load_config(request), warn));
    case Subject::parameters:
    case Subject::services:
    case Subject::service_fields:
    case Subject::service_parameters:
      break;
  }
  return show(request);
}

}  // namespace postconf
