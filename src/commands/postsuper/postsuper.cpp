#include "postsuper/postsuper.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>
#include <string>

#include "base/error.h"
#include "command/open_logging.h"
#include "config/config.h"
#include "config/param.h"
#include "logging/log.h"
#include "postsuper/act.h"
#include "postsuper/request.h"
#include "postsuper/structure.h"
#include "queue/spool.h"
#include "service/privileges.h"

namespace postsuper {

namespace {

using queue::Folder;

// They wait for the file system more than they work.
constexpr unsigned kWorkers = 8;

const std::vector<Folder> kRepaired = {Folder::maildrop, Folder::hold,     Folder::incoming,
                                       Folder::active,   Folder::deferred, Folder::bounce,
                                       Folder::defer,    Folder::trace,    Folder::flush};

config::Config read_configuration(const Request& request) {
  config::Source source;
  source.directory = request.config_directory.value_or("");
  source.process_name = "postsuper";
  auto config = config::Config::load(source);
  if (!config) throw base::Fatal(config.error().text);
  return std::move(*config);
}

// The superuser becomes mail_owner: the daemons must own what is made here, and whoever got hold of the queue must not
// get hold of more by what he puts there. Where the queue belongs to an ordinary user, he is the superuser of it.
void enter_queue(const config::Config& config) {
  const std::string& directory = config[config::param::queue_directory];
  const bool is_root = ::geteuid() == 0;
  struct stat status{};
  const bool known = ::stat(directory.c_str(), &status) == 0;
  if (!is_root && (!known || status.st_uid != ::geteuid())) {
    throw base::Fatal("use of this command is reserved for the superuser");
  }
  if (::chdir(directory.c_str()) != 0) throw base::Fatal(base::with_errno(fmt::format("chdir {}", directory), errno));
  if (is_root) service::become(service::mail_owner(config));
}

std::string messages(long count) {
  return fmt::format("{} {}", count, count == 1 ? "message" : "messages");
}

void tell(std::string_view what, long count) {
  logging::info("postsuper.total", "{what}: {messages}", {{"what", what}, {"messages", messages(count)}});
}

// Structure before everything else: what follows finds messages by their names.
int repair(const queue::Spool& spool, const Request& request) {
  const auto& folders = request.folders.empty() ? kRepaired : request.folders;
  int status = 0;
  if (request.structure) {
    const Repair repaired = repair_structure(spool, folders, request.structure_strict);
    if (repaired.renamed > 0) {
      tell("Renamed to match inode number", repaired.renamed);
      logging::warning("postsuper.names_changed", "QUEUE FILE NAMES WERE CHANGED TO MATCH INODE NUMBERS");
    }
    if (repaired.failures > 0) {
      logging::warning("postsuper.incomplete", "OPERATION INCOMPLETE -- RERUN COMMAND TO FIX THE QUEUE FIRST");
      status = 1;
    }
  }
  if (request.purge) purge_temporary(spool, folders);
  return status;
}

void act(const queue::Spool& spool, const Request& request) {
  Actions actions(
      spool, request.folders, [](std::string& line) { return static_cast<bool>(std::getline(std::cin, line)); },
      kWorkers);
  const Totals totals = actions.run(request);
  const bool releases = request.release.any() || request.expire_and_release.any();
  if (request.requeue.any()) tell("Requeued", totals.requeued);
  if (request.remove.any()) tell("Deleted", totals.deleted);
  if (request.expire.any() || request.expire_and_release.any()) tell("Force-expired", totals.expired);
  if (request.hold.any()) tell("Placed on hold", totals.held);
  if (releases) tell("Released from hold", totals.released);
}

}  // namespace

int run(std::span<char*> arguments) {
  const Request request = parse(arguments);
  logging::set_verbosity(request.verbosity);
  const config::Config config = read_configuration(request);
  config.import_environment();
  command::open_logging(config, "postsuper");
  const queue::Spool spool(queue::SpoolSettings::from(config));
  enter_queue(config);
  const int status = repair(spool, request);
  act(spool, request);
  return status;
}

}  // namespace postsuper
