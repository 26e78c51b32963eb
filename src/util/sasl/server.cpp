#include "sasl/server.h"

#include "base/text.h"
#include "config/param.h"
#include "logging/log.h"
#include "sasl/backends.h"

namespace sasl {

namespace {

namespace param = config::param;

constexpr std::array<std::unique_ptr<Server> (*)(ServerSettings), kServerTypes.size()> kMakers = {make_cyrus,
                                                                                                  make_dovecot};

SecurityOptions options_of(const config::Config& config, std::string_view name, config::TextKey key) {
  auto options = parse_security_options(config[key]);
  if (!options) throw base::Fatal(fmt::format("{}: {}", name, options.error().text));
  return *options;
}

}  // namespace

ServerSettings::ServerSettings(const config::Config& config)
    : path(config[param::smtpd_sasl_path]),
      service(config[param::smtpd_sasl_service]),
      realm(config[param::smtpd_sasl_local_domain]),
      hostname(config[param::myhostname]),
      plain(options_of(config, "smtpd_sasl_security_options", param::smtpd_sasl_security_options)),
      under_tls(options_of(config, "smtpd_sasl_tls_security_options", param::smtpd_sasl_tls_security_options)),
      mechanism_filter("smtpd_sasl_mechanism_filter", config[param::smtpd_sasl_mechanism_filter],
                       table::Settings::from(config), {}),
      filtered(!mechanism_filter.empty()),
      config_path(config[param::cyrus_sasl_config_path]) {
  // As Debian's Postfix, and then where the library itself would look on other systems.
  if (config_path.empty()) {
    config_path = fmt::format("{}/sasl:/usr/lib/sasl:/etc/sasl2:/usr/lib64/sasl2:/usr/lib/sasl2", config.directory());
  }
}

std::vector<std::string> ServerSettings::announced(std::vector<std::string> mechanisms) const {
  if (!filtered) return mechanisms;
  std::vector<std::string> left;
  for (const std::string& mechanism : mechanisms) {
    const auto wanted = mechanism_filter.has_string(mechanism);
    if (!wanted) {
      logging::warning("sasl.filter_failed", "{reason}", {{"reason", wanted.error().text}});
    } else if (*wanted) {
      left.push_back(mechanism);
    }
  }
  if (left.empty() && !mechanisms.empty()) {
    logging::warning("sasl.all_filtered", "smtpd_sasl_mechanism_filter discards all mechanisms in '{mechanisms}'",
                     {{"mechanisms", fmt::format("{}", fmt::join(mechanisms, " "))}});
  }
  return left;
}

std::unique_ptr<Server> make_server(const config::Config& config) {
  const std::string& wanted = config[param::smtpd_sasl_type];
  for (std::size_t i = 0; i < kMakers.size(); ++i) {
    if (kServerTypes[i] == wanted) return kMakers[i](ServerSettings(config));
  }
  throw base::Fatal(fmt::format("smtpd_sasl_type: unsupported SASL server implementation: {}", wanted));
}

}  // namespace sasl
