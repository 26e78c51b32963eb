#include "postfix/postfix.h"

#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "base/error.h"
#include "base/text.h"
#include "command/command.h"
#include "command/open_logging.h"
#include "config/old_defaults.h"
#include "config/param.h"
#include "postfix/check.h"
#include "postfix/control.h"
#include "postfix/installation.h"
#include "postfix/layout.h"
#include "postfix/logrotate.h"
#include "postfix/upgrade.h"

namespace postfix {

namespace {

namespace param = config::param;

// By whose name the log knows what is said.
enum class Speaker { command, script };
constexpr std::string_view kUsage = "usage: postfix [-c config_dir] [-Dv] command";

config::Config load(const std::string& directory) {
  auto config = config::Config::load({.directory = directory, .process_name = "postfix"});
  if (!config) throw base::Fatal(config.error().text);
  return std::move(*config);
}

void require_authority(const config::Config& config) {
  if (::getuid() == 0) return;
  const passwd* user = ::getpwnam(config[param::mail_owner].c_str());
  if (user != nullptr && user->pw_uid == ::getuid()) return;
  say(logging::Level::error, "to submit mail, use the Postfix sendmail command");
  throw base::Fatal("the postfix command is reserved for the superuser");
}

// Scripts and commands that we run find the installation without asking postconf.
void export_installation(const config::Config& config) {
  ::setenv("MAIL_LOGTAG", config[param::syslog_name].c_str(), 1);
  if (!config[param::maillog_file].empty()) {
    const std::string postlog =
        fmt::format("{}/public/{}", config[param::queue_directory], config[param::postlog_service_name]);
    ::setenv("POSTLOG_SERVICE", postlog.c_str(), 1);
    ::setenv("POSTLOG_HOSTNAME", config[param::myhostname].c_str(), 1);
  }
  for (const char* name : {"command_directory", "daemon_directory", "data_directory", "html_directory", "mail_owner",
                           "mailq_path", "manpage_directory", "meta_directory", "newaliases_path", "queue_directory",
                           "readme_directory", "sendmail_path", "setgid_group", "shlib_directory"}) {
    ::setenv(name, config.value(name).value_or("").c_str(), 1);
  }
  const std::string path = fmt::format("{}:{}:/usr/sbin:/usr/bin:/sbin:/bin", config[param::command_directory],
                                       config[param::daemon_directory]);
  ::setenv("PATH", path.c_str(), 1);
  ::setenv("config_directory", config.directory().c_str(), 1);
  ::setenv("MAIL_CONFIG", config.directory().c_str(), 1);
}

// Records have the tag that they have when a script writes them. A person sees all of them; a cron job's output is what
// is wrong.
void open_log(const config::Config& config, Speaker speaker) {
  logging::Setup setup = command::logging_setup(config, "postfix-script");
  if (!setup.file.empty() && setup.file != "/dev/stdout") setup.postlog_socket = command::postlog_socket_path(config);
  setup.identity.program = speaker == Speaker::command ? "postfix" : setup.identity.syslog_name + "/postfix-script";
  setup.identity.syslog_name.clear();
  setup.standard_error_from = ::isatty(STDERR_FILENO) == 1 ? logging::Level::debug : logging::Level::warning;
  if (const auto opened = logging::open(setup); !opened) warn(opened.error().text);
}

// Whatever the command: an old installation is to learn of it sooner or later. As the command itself, not as its
// script.
void tell_old_defaults(const config::Config& config) {
  if (!config::is_below_level(config, config::kNewestLevel)) return;
  open_log(config, Speaker::command);
  inform("Postfix is using backwards-compatible default settings");
  inform("See compatibility_level in postconf(5) for details");
  inform(
      fmt::format("To disable backwards compatibility use \"postconf compatibility_level={}\" and \"postfix reload\"",
                  config::kNewestLevel));
  open_log(config, Speaker::script);
}

// name=value arguments, for main.cf.
void set_parameters(const Installation& installation, const std::vector<std::string>& settings) {
  if (settings.empty()) return;
  for (const std::string& setting : settings) {
    if (!setting.contains('='))
      throw base::Fatal(fmt::format("bad argument \"{}\": specify name=value", base::printable(setting)));
  }
  std::vector<std::string> arguments = {"-c", installation.config_directory, "-e"};
  arguments.insert(arguments.end(), settings.begin(), settings.end());
  if (run_program(installation.command_directory + "/postconf", arguments) != 0) {
    throw base::Fatal("cannot change main.cf");
  }
}

struct Request {
  std::string command;
  std::vector<std::string> arguments;
};

int set_permissions_after(const Installation& installation, const Request& request) {
  set_parameters(installation, request.arguments);
  const config::Config config = load(installation.config_directory);
  const Installation changed = describe(config);
  if (!is_fit_to_start(changed)) return 1;
  return set_permissions(changed) ? 0 : 1;
}

int carry_out(const Installation& installation, const Request& request) {
  const std::string& name = request.command;
  if (name == "start") return start(installation, Foreground::no);
  if (name == "start-fg") return start(installation, Foreground::yes);
  if (name == "stop") return stop(installation);
  if (name == "abort") return quick_stop(installation, "aborting the Postfix mail system");
  if (name == "quick-stop") return quick_stop(installation, "stopping the Postfix mail system");
  if (name == "drain") return drain(installation);
  if (name == "reload") return reload(installation);
  if (name == "flush") return flush(installation);
  if (name == "status") return status(installation);
  if (name == "logrotate") return logrotate(installation);
  if (name == "check") return check(installation).errors == 0 ? 0 : 1;
  if (name == "create-missing") return is_fit_to_start(installation) ? 0 : 1;
  if (name == "set-permissions" || name == "upgrade-permissions") return set_permissions_after(installation, request);
  if (name == "upgrade-configuration") {
    set_parameters(installation, request.arguments);
    return upgrade_configuration(installation) ? 0 : 1;
  }
  if (name.starts_with('/')) become_program(name, request.arguments);
  throw base::Fatal(
      fmt::format("unknown command: '{}'. Usage: postfix start (or stop, reload, abort, flush, check, status, "
                  "set-permissions, upgrade-configuration, logrotate)",
                  base::printable(name)));
}

// Several instances: another program decides which of them are meant, and comes back here with -c.
void hand_over_to_wrapper(const config::Config& config, const Request& request) {
  if (request.command == "start-fg") {
    throw base::Fatal("\"postfix start-fg\" starts one instance: name it with -c, or unset multi_instance_directories");
  }
  const auto words = base::split(config[param::multi_instance_wrapper], " \t\r\n");
  if (words.empty()) {
    throw base::Fatal(
        fmt::format("file {}/main.cf: multi_instance_directories is set, but multi_instance_wrapper is not: "
                    "set it to \"${{command_directory}}/postmulti -p --\", or name one instance with -c",
                    config.directory()));
  }
  std::vector<std::string> arguments(words.begin() + 1, words.end());
  if (!request.command.empty()) arguments.push_back(request.command);
  arguments.insert(arguments.end(), request.arguments.begin(), request.arguments.end());
  become_program(std::string(words.front()), arguments);
}

}  // namespace

int run(std::span<char*> arguments) {
  const auto line = command::parse(arguments, "c:Dv", kUsage);
  const bool names_one_instance = line.has('c') || ::getenv("MAIL_CONFIG") != nullptr;
  for (const auto& option : line.options) {
    if (option.letter == 'v') ::setenv("MAIL_VERBOSE", "", 1);
    if (option.letter == 'D') ::setenv("MAIL_DEBUG", "", 1);
    if (option.letter == 'v') logging::set_verbosity(logging::verbosity() + 1);
  }
  Request request;
  if (!line.operands.empty()) {
    request.command = line.operands.front();
    request.arguments.assign(line.operands.begin() + 1, line.operands.end());
  }

  const config::Config config = load(config::choose_directory(line.last('c').value_or("")));
  require_authority(config);
  open_log(config, Speaker::script);
  if (!names_one_instance && !config[param::multi_instance_directories].empty()) {
    ::setenv("MAIL_LOGTAG", config[param::syslog_name].c_str(), 1);
    hand_over_to_wrapper(config, request);
  }
  tell_old_defaults(config);
  export_installation(config);
  return carry_out(describe(config), request);
}

}  // namespace postfix
