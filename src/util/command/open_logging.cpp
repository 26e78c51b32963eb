#include "command/open_logging.h"

#include <syslog.h>

#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "config/param.h"
#include "logging/only_ascii.h"

namespace command {

namespace {

namespace param = config::param;

constexpr std::pair<std::string_view, int> kFacilities[] = {
    {"auth", LOG_AUTH},     {"authpriv", LOG_AUTHPRIV}, {"cron", LOG_CRON},     {"daemon", LOG_DAEMON},
    {"ftp", LOG_FTP},       {"kern", LOG_KERN},         {"lpr", LOG_LPR},       {"mail", LOG_MAIL},
    {"news", LOG_NEWS},     {"security", LOG_AUTH},     {"syslog", LOG_SYSLOG}, {"user", LOG_USER},
    {"uucp", LOG_UUCP},     {"local0", LOG_LOCAL0},     {"local1", LOG_LOCAL1}, {"local2", LOG_LOCAL2},
    {"local3", LOG_LOCAL3}, {"local4", LOG_LOCAL4},     {"local5", LOG_LOCAL5}, {"local6", LOG_LOCAL6},
    {"local7", LOG_LOCAL7}};

base::Fatal unrecognized(const config::Config& config, std::string_view name, std::string_view value) {
  return base::Fatal(
      fmt::format("file {}/main.cf: parameter {}: unrecognized value: {}", config.directory(), name, value));
}

int facility_of(const config::Config& config) {
  const std::string& name = config[param::syslog_facility];
  for (const auto& [known, facility] : kFacilities) {
    if (base::equals_folded(name, known)) return facility;
  }
  throw unrecognized(config, "syslog_facility", name);
}

unsigned permissions_of(const config::Config& config) {
  const std::string& text = config[param::maillog_file_permissions];
  for (const auto& [known, mode] : {std::pair("600", 0600u), std::pair("640", 0640u), std::pair("644", 0644u)}) {
    if (text == known || text == std::string("0") + known) return mode;
  }
  throw unrecognized(config, "maillog_file_permissions", text);
}

logging::Form form_of(const config::Config& config) {
  const std::string& name = config[param::maillog_file_form];
  if (name == "text") return logging::Form::text;
  if (name == "json") return logging::Form::json;
  throw unrecognized(config, "maillog_file_form", name);
}

// Whoever may edit main.cf but not all of the file system must not make us append to any file.
void require_allowed_prefix(const config::Config& config, const std::string& file) {
  const bool climbs = (file + "/").contains("/../");
  for (const std::string_view prefix : base::split(config[param::maillog_file_prefixes])) {
    if (file.starts_with(prefix) && !climbs) return;
  }
  throw base::Fatal(fmt::format("maillog_file value '{}' does not match any prefix in maillog_file_prefixes", file));
}

}  // namespace

logging::Setup logging_setup(const config::Config& config, const std::string& program) {
  logging::log_only_ascii(!config[param::smtputf8_enable]);
  logging::Setup setup;
  setup.identity = {program, config[param::syslog_name], config[param::myhostname]};
  setup.syslog_facility = facility_of(config);
  setup.file = config[param::maillog_file];
  setup.syslog = setup.file.empty();
  if (!setup.file.empty()) {
    require_allowed_prefix(config, setup.file);
    setup.file_mode = permissions_of(config);
    setup.file_form = form_of(config);
  }
  return setup;
}

std::string postlog_socket_path(const config::Config& config) {
  return config[param::queue_directory] + "/public/" + config[param::postlog_service_name];
}

void open_logging(const config::Config& config, const std::string& program) {
  logging::Setup setup = logging_setup(config, program);
  if (!setup.file.empty()) setup.postlog_socket = postlog_socket_path(config);
  if (const auto opened = logging::open(setup); !opened) {
    logging::warning("command.no_log_file", "{reason}", {{"reason", opened.error().text}});
  }
}

}  // namespace command
