#include "postqueue/postqueue.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "base/accounts.h"
#include "base/error.h"
#include "base/text.h"
#include "client/flush_client.h"
#include "client/qmgr_client.h"
#include "command/command.h"
#include "command/open_logging.h"
#include "config/config.h"
#include "config/old_defaults.h"
#include "config/param.h"
#include "ipc/trigger.h"
#include "logging/log.h"
#include "mail/address.h"
#include "postqueue/listing.h"
#include "postqueue/showq_connection.h"
#include "queue/id.h"
#include "table/match_list.h"
#include "table/open.h"

namespace postqueue {

namespace {

namespace param = config::param;

constexpr const char* kUsage =
    "usage: postqueue -f | postqueue -i queueid | postqueue -j | postqueue -p | postqueue -s site";
constexpr const char* kDown = "Cannot flush mail queue - mail system is down";

struct Request {
  char action = 0;  // f i j p s
  std::string argument;
  std::string config_directory;
};

Request understand(std::span<char*> arguments) {
  const auto line = command::parse(arguments, "c:fi:jps:v", kUsage);
  Request request;
  for (const auto& option : line.options) {
    if (option.letter == 'c') {
      request.config_directory = option.argument;
    } else if (option.letter == 'v') {
      // What is logged then is not for the users of a set-gid program.
      if (::geteuid() == 0) logging::set_verbosity(logging::verbosity() + 1);
    } else if (request.action != 0) {
      throw base::Fatal(kUsage);
    } else {
      request.action = option.letter;
      request.argument = option.argument;
    }
  }
  if (request.action == 0 || !line.operands.empty()) throw base::Fatal(kUsage);
  return request;
}

config::Config load(const Request& request) {
  config::Source source;
  source.directory = request.config_directory;
  source.process_name = "postqueue";
  auto config = config::Config::load(source);
  if (!config) throw base::Fatal(config.error().text);
  return std::move(*config);
}

void require_allowed(const config::Config& config, std::string_view parameter, const std::string& list,
                     std::string_view what) {
  const uid_t uid = ::getuid();
  if (uid == 0) return;
  const auto account = base::account_name(uid);
  if (!account) throw base::Fatal(account.error().text);
  const std::string name = account->value_or("unknown");
  if (name == config[param::mail_owner]) return;
  const table::MatchList allowed(parameter, list, table::Settings::from(config), {});
  const auto found = allowed.has_string(name);
  if (!found) throw base::Fatal(found.error().text);
  if (!*found) throw base::Fatal(fmt::format("User {}({}) is not allowed to {}", name, uid, what));
}

void print_listing(const config::Config& config, bool as_json) {
  const auto write = [](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); };
  ShowqConnection connection(config, config[param::showq_service_name]);
  if (!config[param::smtputf8_enable]) show_only_ascii();
  std::unique_ptr<Printer> printer;
  if (as_json) {
    printer = std::make_unique<JsonPrinter>(write);
  } else {
    printer = std::make_unique<TextPrinter>(write, config[param::enable_long_queue_ids]);
  }
  Reader reader(*printer);
  while (!reader.finished()) {
    const std::string_view bytes = connection.read();
    if (bytes.empty()) throw base::Fatal("malformed showq server response");
    reader.feed(bytes);
    if (std::ferror(stdout) != 0) return;  // whoever read it has gone
  }
}

bool trigger(const config::Config& config, const std::string& service, std::string_view letters) {
  const std::string path = "public/" + service;
  if (::eaccess(path.c_str(), F_OK) != 0) {  // not access: set-gid is what lets us look there
    logging::warning("postqueue.no_service", "unable to look up {path}: {reason}",
                     {{"path", path}, {"reason", base::with_errno("", errno).substr(2)}});
    return false;
  }
  const auto sent = ipc::send_trigger(path, letters, io::Deadline::after(config[param::ipc_timeout]));
  if (!sent) logging::warning("postqueue.no_service", "{reason}", {{"reason", sent.error().text}});
  return sent.has_value();
}

void flush_queue(const config::Config& config) {
  using namespace client::qmgr_request;
  constexpr char kLetters[] = {kForgetDead, kIgnoreTimes, kScanDeferred, kScanIncoming};
  // Mail that is still in maildrop follows as soon as it is picked up.
  if (!trigger(config, config[param::queue_service_name], {kLetters, sizeof kLetters}) ||
      !trigger(config, config[param::pickup_service_name], "W")) {
    throw base::Fatal(kDown);
  }
}

client::FlushStatus ask_flush(const config::Config& config, const client::FlushRequest& request) {
  const auto status = client::ask_flush("public/" + config[param::flush_service_name], request,
                                        io::Deadline::after(config[param::ipc_timeout]));
  if (status) return *status;
  logging::warning("postqueue.no_service", "{reason}", {{"reason", status.error().text}});
  throw base::Fatal(kDown);
}

void flush_message(const config::Config& config, const std::string& id) {
  if (!queue::Id::parse(id)) throw base::Fatal(fmt::format("Cannot flush queue ID - invalid name: \"{}\"", id));
  using enum client::FlushStatus;
  switch (ask_flush(config, {client::FlushRequest::Action::send_file, {}, id})) {
    case ok:
      return;
    case bad_parameter:
      throw base::Fatal(fmt::format("Invalid request: \"{}\"", id));
    case not_configured:
    case failed:
      break;
  }
  throw base::Fatal(kDown);
}

bool is_site(const std::string& site, bool utf8) {
  if (site.starts_with('[')) return mail::is_valid_literal(site);
  return mail::is_valid_hostname(site, utf8 ? mail::Utf8::yes : mail::Utf8::no) && !mail::is_numeric_domain(site);
}

// Nobody needs to be asked about a site that is not listed. Where the list cannot be read here, the service can.
bool may_be_listed(const config::Config& config, const std::string& site) {
  constexpr std::string_view kName = "fast_flush_domains";
  const auto parents = base::split(config[param::parent_domain_matches_subdomains]);
  const bool subdomains = std::ranges::find(parents, kName) != parents.end();
  const table::MatchList listed(kName, config[param::fast_flush_domains], table::Settings::from(config),
                                {.parent_matches_subdomains = subdomains});
  return listed.has_domain(site).value_or(true);
}

void flush_site(const config::Config& config, const std::string& site) {
  if (!is_site(site, config[param::smtputf8_enable])) {
    throw base::Fatal(fmt::format("Cannot flush mail queue - invalid destination: \"{}\"", site));
  }
  const auto not_configured = base::Fatal(fmt::format("Flush service is not configured for destination \"{}\"", site));
  if (!may_be_listed(config, site)) throw not_configured;
  if (config::has_old_flush_domains(config)) {
    client::log_old_flush_domains(client::FlushRequest::Action::send_site, site);
  }
  using Status = client::FlushStatus;
  const Status status = ask_flush(config, {client::FlushRequest::Action::send_site, site, {}});
  if (status == Status::not_configured) throw not_configured;
  if (status == Status::bad_parameter) throw base::Fatal(fmt::format("Invalid request: \"{}\"", site));
  if (status != Status::ok) throw base::Fatal(kDown);
}

}  // namespace

int run(std::span<char*> arguments) {
  const Request request = understand(arguments);
  const config::Config config = load(request);
  config.import_environment();
  command::open_logging(config, "postqueue");
  const bool only_looks = request.action == 'p' || request.action == 'j';
  if (only_looks) {
    require_allowed(config, "authorized_mailq_users", config[param::authorized_mailq_users], "view the mail queue");
  } else {
    require_allowed(config, "authorized_flush_users", config[param::authorized_flush_users], "flush the mail queue");
  }
  const std::string& queue_directory = config[param::queue_directory];
  if (::chdir(queue_directory.c_str()) != 0) throw base::Fatal(base::with_errno("chdir " + queue_directory, errno));

  if (only_looks) print_listing(config, request.action == 'j');
  if (request.action == 'f') flush_queue(config);
  if (request.action == 'i') flush_message(config, request.argument);
  if (request.action == 's') flush_site(config, request.argument);
  return 0;
}

}  // namespace postqueue
