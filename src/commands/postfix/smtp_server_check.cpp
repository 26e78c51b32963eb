#include "postfix/smtp_server_check.h"

#include <algorithm>
#include <functional>
#include <set>

#include "base/text.h"
#include "config/expand.h"
#include "config/master_cf.h"
#include "config/param.h"
#include "config/registry.h"
#include "restrictions/rules.h"
#include "sasl/server.h"
#include "table/match_list.h"
#include "tls/server.h"

namespace postfix {

namespace {

namespace param = config::param;

// Parameters that take words out of a list.
struct Words {
  std::string_view parameter;
  std::vector<std::string_view> known;
};
const std::vector<Words>& word_parameters() {
  static const std::vector<Words> kAll = {
      {"receive_override_options",
       {"no_address_mappings", "no_header_body_checks", "no_milters", "no_unknown_recipient_checks"}},
      {"notify_classes", {"2bounce", "bounce", "data", "delay", "policy", "protocol", "resource", "software"}},
      {"smtpd_discard_ehlo_keywords",
       {"8bitmime", "auth", "chunking", "dsn", "enhancedstatuscodes", "etrn", "pipelining", "requiretls",
        "silent-discard", "size", "smtputf8", "starttls", "verp", "vrfy", "xclient", "xforward"}},
      {"smtpd_forbid_bare_newline", {"no", "note", "normalize", "reject", "yes"}},
      {"smtpd_sasl_type", sasl::server_types()},
      {"smtpd_upstream_proxy_protocol", {"haproxy"}},
  };
  return kAll;
}

std::string place_of(const config::Config& config, std::string_view name) {
  const auto found = config.settings().find(name);
  return found == config.settings().end() ? fmt::format("parameter {} (default)", name)
                                          : fmt::format("{}: parameter {}", found->second.where.text(), name);
}

// A value that cannot be read at all is told by the check of parameters; tables are opened, and told of, elsewhere.
template <typename Checks>
std::vector<base::Error> errors_of(Checks checks) {
  const logging::Capture quiet;
  try {
    return checks();
  } catch (const config::BadValue&) {
    return {};
  }
}

class Check {
 public:
  explicit Check(const config::Config& config) : config_(config) {}

  Mistakes all() {
    check_start();
    for (base::Error& error : errors_of([this] { return tls::check_server(config_); })) blame(error.text);
    for (std::string& text : tls::doubts_about_server(config_)) remark(std::move(text));
    check_sasl();
    check_trust();
    return std::move(mistakes_);
  }

  // What a server would not start with, or refuse all clients for.
  Mistakes of_start() {
    check_start();
    return std::move(mistakes_);
  }

 private:
  void check_start() {
    for (const Words& words : word_parameters()) check_words(words);
    std::vector<std::string> remarks;
    for (base::Error& error : errors_of([&] { return restrictions::check(config_, &remarks); })) {
      blame(with_place(std::move(error.text)));
    }
    for (std::string& text : remarks) remark(std::move(text));
  }

  // What is said of two parameters together is blamed on one that is set.
  std::string with_place(std::string text) const {
    if (!text.starts_with("in parameter ")) return text;
    for (const std::string_view name : {"smtpd_relay_restrictions", "smtpd_recipient_restrictions"}) {
      const auto found = config_.settings().find(name);
      if (found != config_.settings().end()) return fmt::format("{}: {}", found->second.where.text(), text);
    }
    return text;
  }

  void blame(std::string text) { mistakes_.errors.push_back(std::move(text)); }
  void remark(std::string text) { mistakes_.warnings.push_back(std::move(text)); }

  std::string value(std::string_view name) const {
    try {
      return config_.value(name).value_or("");
    } catch (const config::BadValue&) {
      return {};
    }
  }

  void check_words(const Words& words) {
    if (!config_.settings().contains(words.parameter)) return;
    const std::string list = value(words.parameter);
    for (const std::string_view word : base::split(list)) {
      const auto is_it = [&](std::string_view known) { return base::equals_folded(known, word); };
      if (std::ranges::any_of(words.known, is_it)) continue;
      std::string text =
          fmt::format("{}: unknown word \"{}\"", place_of(config_, words.parameter), base::printable(word));
      if (const auto near = config::nearest_of(word, words.known)) {
        text += fmt::format("; did you mean \"{}\"?", *near);
      } else {
        text += fmt::format("; use {}", fmt::join(words.known, ", "));
      }
      blame(std::move(text));
    }
  }

  void check_sasl() try {
    if (!config_[param::smtpd_sasl_auth_enable]) return;
    for (const std::string_view name : {"smtpd_sasl_security_options", "smtpd_sasl_tls_security_options"}) {
      check_words({name, {"noplaintext", "noactive", "nodictionary", "noanonymous", "mutual_auth", "forward_secrecy"}});
    }
    const std::string& level = config_[param::smtpd_tls_security_level];
    const bool has_tls = config_[param::smtpd_tls_wrappermode] || (!level.empty() && level != "none") ||
                         config_[param::smtpd_use_tls] || config_[param::smtpd_enforce_tls];
    if (config_[param::smtpd_tls_auth_only] && !has_tls) {
      remark(
          fmt::format("{}: AUTH is offered only under TLS, and there is none: nobody can log in; set "
                      "smtpd_tls_security_level",
                      place_of(config_, "smtpd_tls_auth_only")));
    }
  } catch (const config::BadValue&) {
    return;  // told by the check of parameters
  }

  // Whoever may use XCLIENT may pose as anybody; whoever is in mynetworks may send mail to anybody.
  void check_trust() {
    check_trust("smtpd_authorized_xclient_hosts", "any host may pose as any client: name the proxies alone");
    check_trust("mynetworks", "any host may send mail through this one to anybody: name your own networks alone");
  }

  void check_trust(std::string_view name, std::string_view danger) try {
    const table::MatchList hosts(name, value(name), table::Settings::from(config_), {});
    const logging::Capture quiet;
    const auto everyone = [&] {
      for (const std::string_view stranger : {"192.0.2.1", "198.51.100.254", "203.0.113.77"}) {
        if (!hosts.has_host("unknown", stranger).value_or(false)) return false;
      }
      return true;
    };
    if (!hosts.empty() && everyone()) remark(fmt::format("{}: {}", place_of(config_, name), danger));
  } catch (const config::BadValue&) {
    return;
  }

  const config::Config& config_;
  Mistakes mistakes_;
};

// What a service's options say, as a Config; nothing when they cannot be read, which master tells.
std::optional<config::Config> config_of(const Installation& installation, const config::ServiceLine& line) {
  config::Source source{.directory = installation.config_directory, .process_name = "smtpd", .service_name = line.name};
  for (const auto& option : config::arguments_of(line).options) {
    if (!option.is_override) continue;
    auto setting = config::split_name_value(option.text);
    if (!setting) return std::nullopt;
    source.overrides.push_back(std::move(*setting));
  }
  auto config = config::Config::load(source);
  if (!config) return std::nullopt;
  return std::move(*config);
}

bool runs_smtpd(const config::ServiceLine& line) {
  return !line.command.empty() && line.command.front() == "smtpd";
}

bool asks_whether(std::string_view value, std::string_view name) {
  for (const char open : {'{', '('}) {
    for (const char mark : {'?', ':'}) {
      if (value.contains(fmt::format("${}{}{}", open, name, mark))) return true;
      if (value.contains(fmt::format("${}{} {}", open, name, mark))) return true;
    }
  }
  return false;
}

}  // namespace

Mistakes mistakes_of_smtp_server(const config::Config& config) {
  return Check(config).all();
}

namespace {

// For each service of master.cf that runs smtpd; for main.cf alone when there is none.
void tell_of_servers(const Installation& installation, Tally& tally,
                     const std::function<Mistakes(const config::Config&)>& mistakes_of) {
  std::set<std::string> told;
  const auto tell = [&](const Mistakes& mistakes, const std::string& service) {
    const auto text_of = [&](const std::string& text) {
      return text.starts_with("-o") || text.contains("file -o") ? fmt::format("{}: {}", service, text) : text;
    };
    for (const std::string& each : mistakes.errors) {
      const std::string text = text_of(each);
      if (!told.insert(text).second) continue;
      ++tally.errors;
      complain(text);
    }
    for (const std::string& each : mistakes.warnings) {
      const std::string text = text_of(each);
      if (!told.insert(text).second) continue;
      ++tally.warnings;
      warn(text);
    }
  };
  const auto file = config::read_master_cf(installation.config_directory + "/master.cf", false);
  if (!file) return;  // master tells
  std::vector<config::Remark> remarks;
  bool any = false;
  for (const config::ServiceLine* line : config::effective_lines(*file, remarks)) {
    if (!runs_smtpd(*line)) continue;
    any = true;
    if (const auto config = config_of(installation, *line)) {
      tell(mistakes_of(*config), fmt::format("{}: service {}/{}", line->where.text(), line->name, line->type));
    }
  }
  if (!any) tell(mistakes_of(installation.config), "");
}

}  // namespace

void check_smtp_server(const Installation& installation, Tally& tally) {
  tell_of_servers(installation, tally, mistakes_of_smtp_server);
}

void check_start_of_smtp_server(const Installation& installation, Tally& tally) {
  tell_of_servers(installation, tally, [](const config::Config& config) {
    Mistakes mistakes = Check(config).of_start();
    mistakes.warnings.clear();  // told when the rest is looked over
    return mistakes;
  });
}

std::vector<std::string> undefined_names(std::string_view value, const config::Config& config,
                                         const std::vector<std::string>& defined_elsewhere) {
  std::vector<std::string> names;
  config::for_each_reference(value, [&](std::string_view name) {
    if (config.settings().contains(name) || config::find_parameter(name) != nullptr ||
        config::find_family(name) != nullptr || asks_whether(value, name)) {
      return;
    }
    if (std::ranges::find(defined_elsewhere, name) != defined_elsewhere.end()) return;
    if (std::ranges::find(names, name) == names.end()) names.emplace_back(name);
  });
  return names;
}

void check_references(const Installation& installation, Tally& tally) {
  const config::Config& config = installation.config;
  const auto tell = [&](const std::string& place, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      std::string text =
          fmt::format("{}: ${} is defined nowhere, and stands for nothing", place, base::printable(name));
      if (const auto near = config::nearest_name(name)) text += fmt::format("; did you mean ${}?", *near);
      ++tally.warnings;
      warn(text);
    }
  };
  const auto file = config::read_master_cf(installation.config_directory + "/master.cf", false);
  // What a service defines with -o may be used in main.cf.
  std::vector<std::string> defined_by_services;
  std::vector<std::pair<std::string, config::NameValue>> overrides;
  if (file) {
    for (const config::ServiceLine& line : file->lines) {
      for (const auto& option : config::arguments_of(line).options) {
        auto setting = option.is_override ? config::split_name_value(option.text)
                                          : std::expected<config::NameValue, base::Error>(std::unexpect);
        if (!setting) continue;
        defined_by_services.push_back(setting->name);
        overrides.emplace_back(fmt::format("{}: -o {}", line.where.text(), setting->name), std::move(*setting));
      }
    }
  }
  // Values that their user expands have names of their own.
  const auto is_raw = [](std::string_view name) {
    const config::Parameter* const row = config::find_parameter(name);
    return row != nullptr && row->type == config::Type::raw;
  };
  for (const auto& [name, setting] : config.settings()) {
    if (is_raw(name)) continue;
    tell(fmt::format("{}: parameter {}", setting.where.text(), name),
         undefined_names(setting.value, config, defined_by_services));
  }
  for (const auto& [place, setting] : overrides) {
    if (!is_raw(setting.name)) tell(place, undefined_names(setting.value, config, defined_by_services));
  }
}

}  // namespace postfix
