#pragma once
// Logging as main.cf asks for it.

#include <string>

#include "config/config.h"
#include "logging/log.h"

namespace command {

// Syslog, or the maillog_file (written by the program itself) in place of it; and standard error, which a program that
// is not a command turns off. The tag is <syslog_name>/<program>. Throws base::Fatal for values that cannot be used (a
// maillog_file outside of maillog_file_prefixes, an unknown syslog_facility, ...).
logging::Setup logging_setup(const config::Config& config, const std::string& program);

// $queue_directory/public/$postlog_service_name: whoever sets it as Setup::postlog_socket leaves the log file to
// postlogd while that can be reached.
std::string postlog_socket_path(const config::Config& config);

// Puts all that to work. A log file that cannot be opened is a warning: an ordinary user's command goes on without it.
void open_logging(const config::Config& config, const std::string& program);

}  // namespace command
