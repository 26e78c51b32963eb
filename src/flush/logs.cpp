#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <vector>

#include "base/text.h"
#include "client/qmgr_client.h"
#include "config/param.h"
#include "flush/flush.h"
#include "io/fiber.h"
#include "ipc/trigger.h"
#include "logging/log.h"
#include "queue/flush_log.h"
#include "table/open.h"

namespace flush {

namespace {

namespace param = config::param;
using Status = client::FlushStatus;

constexpr std::size_t kMessagesPerTurn = 64;
constexpr auto kTriggerTime = std::chrono::seconds(10);

// The crash points of this program. A message that is made due in one folder and not yet moved is tried from there.
constexpr disk::Step kUnthrottle = "flush.unthrottle";
constexpr disk::Step kMakeDue = "flush.make_due";
constexpr disk::Step kMove = "flush.move";
constexpr disk::Step kPurge = "flush.purge";

table::MatchList domain_list(const config::Config& config) {
  constexpr std::string_view kName = "fast_flush_domains";
  const auto parents = base::split(config[param::parent_domain_matches_subdomains]);
  return {kName,
          config[param::fast_flush_domains],
          table::Settings::from(config),
          {.parent_matches_subdomains = std::ranges::find(parents, kName) != parents.end()}};
}

void warn(std::string_view event, std::string_view reason) {
  logging::warning(event, "{reason}", {{"reason", reason}});
}

}  // namespace

Logs::Logs(const config::Config& config, const queue::Spool& spool)
    : spool_(spool),
      domains_(domain_list(config)),
      queue_manager_("public/" + config[param::queue_service_name]),
      refresh_time_(config[param::fast_flush_refresh_time]),
      purge_time_(config[param::fast_flush_purge_time]) {}

Status Logs::serve(const client::FlushRequest& request) {
  using enum client::FlushRequest::Action;
  switch (request.action) {
    case add:
      return this->add(request.site, request.queue_id);
    case send_site:
      return this->send_site(request.site);
    case send_file:
      return this->send_file(request.queue_id);
    case refresh:
      return this->refresh(refresh_time_);
    case purge:
      return this->refresh(base::Seconds(0));
  }
  return Status::bad_parameter;
}

Status Logs::listed(const std::string& site) const {
  const auto found = domains_.has_domain(site);
  if (!found) {
    warn("flush.domains_failed", found.error().text);
    return Status::failed;
  }
  return *found ? Status::ok : Status::not_configured;
}

Status Logs::add(const std::string& site, const std::string& queue_id) {
  if (const Status status = listed(site); status != Status::ok) return status;
  const auto name = queue::flush_log_name(site);
  const auto id = queue::Id::parse(queue_id);
  if (!name || !id) return Status::bad_parameter;
  const auto added = queue::append_flush(spool_, *name, *id);
  if (added) return Status::ok;
  warn("flush.add_failed", added.error().text);
  return Status::failed;
}

Status Logs::send_site(const std::string& site) {
  if (const Status status = listed(site); status != Status::ok) return status;
  const auto name = queue::flush_log_name(site);
  if (!name) return Status::bad_parameter;
  // Whoever asks knows that the destination is back.
  tell_queue_manager({&client::qmgr_request::kForgetDead, 1});
  return send_log(*name);
}

Status Logs::send_log(const std::string& log_name) {
  const auto ids = queue::take_flush(spool_, log_name);
  if (!ids) {
    warn("flush.log_unusable", ids.error().text);
    return Status::failed;
  }
  bool any = false;
  std::size_t count = 0;
  for (const queue::Id& id : *ids) {
    any = send_message(id, false) || any;
    if (++count % kMessagesPerTurn == 0) io::yield();
  }
  if (any) tell_queue_manager({&client::qmgr_request::kScanIncoming, 1});
  return Status::ok;
}

Status Logs::send_file(const std::string& queue_id) {
  const auto id = queue::Id::parse(queue_id);
  if (!id) return Status::bad_parameter;
  if (send_message(*id, true)) tell_queue_manager({&client::qmgr_request::kScanIncoming, 1});
  return Status::ok;
}

// False: it is not deferred any more, which is no mistake of anyone.
bool Logs::send_message(const queue::Id& id, bool unthrottle) {
  const std::string path = spool_.path(queue::Folder::deferred, id);
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode) || !queue::mode::is_ready(status.st_mode)) {
    return false;
  }
  if (unthrottle) {
    const auto set = spool_.disk().set_mode(kUnthrottle, path, (status.st_mode & 07777) | queue::mode::kUnthrottle);
    if (!set && set.error().number != ENOENT) warn("flush.send_failed", set.error().text);
  }
  const auto due = spool_.disk().set_times(kMakeDue, path, std::time(nullptr));
  const auto moved = due ? spool_.move(kMove, id, queue::Folder::deferred, queue::Folder::incoming) : due;
  if (!moved && moved.error().number != ENOENT) warn("flush.send_failed", moved.error().text);
  return moved.has_value();
}

Status Logs::refresh(base::Seconds older_than) {
  std::vector<std::string> due;
  const std::time_t now = std::time(nullptr);
  const auto scanned = spool_.for_each(queue::Folder::flush, [&](const queue::Spool::Entry& entry) {
    struct stat status{};
    if (::lstat(entry.path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return true;
    const std::time_t age = now - status.st_mtime;
    if (status.st_size > 0) {
      if (age >= older_than.count()) due.push_back(entry.id.text());
    } else if (age >= purge_time_.count()) {
      const auto removed = spool_.remove(kPurge, queue::Folder::flush, entry.id);
      if (!removed) warn("flush.purge_failed", removed.error().text);
    }
    return true;
  });
  if (!scanned) {
    warn("flush.scan_failed", scanned.error().text);
    return Status::failed;
  }
  for (const std::string& name : due) (void)send_log(name);
  return Status::ok;
}

void Logs::tell_queue_manager(std::string_view letters) {
  const auto told = ipc::send_trigger(queue_manager_, letters, io::Deadline::after(kTriggerTime));
  // It looks into incoming by itself, a little later.
  if (!told) warn("flush.no_queue_manager", told.error().text);
}

}  // namespace flush
