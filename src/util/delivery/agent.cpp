#include "delivery/agent.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>

#include "config/param.h"
#include "logging/log.h"

namespace delivery {

namespace {

// Until then a connection may stay idle between two requests. Much longer than clients keep idle connections, so that
// they close first and never send into a connection that is being closed here.
constexpr auto kIdleLimit = std::chrono::minutes(5);

constexpr mode_t kPermissions = 07777;

// What stands in the way of working on a message, when it is nothing that the message itself is to blame for.
struct Unavailable {
  std::string reason;
};

// The message's file, open for reading and marking, with a shared lock.
std::expected<base::Fd, Unavailable> open_message(const std::string& path) {
  base::Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd) return std::unexpected(Unavailable{base::with_errno("open " + path, errno)});
  if (::flock(fd.get(), LOCK_SH | LOCK_NB) != 0) {
    return std::unexpected(Unavailable{base::with_errno("shared lock " + path, errno)});
  }
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return std::unexpected(Unavailable{base::with_errno("stat " + path, errno)});
  if (!S_ISREG(status.st_mode)) return std::unexpected(Unavailable{path + ": not a regular file"});
  if (!queue::mode::is_ready(status.st_mode)) {
    return std::unexpected(
        Unavailable{fmt::format("{}: uncommon permissions {:03o}", path, status.st_mode & kPermissions)});
  }
  return fd;
}

}  // namespace

AgentServer::AgentServer(const service::Context& context, queue::SpoolSettings spool, std::string_view status_filter,
                         disk::Disk& disk)
    : config_(context.config),
      spool_(spool, disk),
      outcome_settings_(OutcomeSettings::from(context.config, status_filter)) {}

void AgentServer::serve(service::Client client) {
  ipc::Channel channel(std::move(client.fd));
  const auto ipc_limit = config_[config::param::ipc_timeout];
  while (true) {
    channel.set_deadline(io::Deadline::after(kIdleLimit));
    const auto frame = channel.receive_frame_or_end(ipc_limit);
    if (!frame) return;
    // Who asked may be gone since, and its successor may have asked another agent for the same.
    if (channel.spoiled()) return;
    const Report report = answer(ipc::Channel::understand<Request>(*frame));
    channel.set_deadline(io::Deadline::after(ipc_limit));
    channel.send(report);
    channel.flush();
  }
}

Report AgentServer::answer(const Request& request) {
  Report report{.some_deferred = true, .corrupt = false, .destination_failure = {}};
  const auto id = queue::Id::parse(request.queue_id);
  const auto folder = queue::folder_named(request.queue_name);
  if (!id || !folder) {
    logging::warning("delivery.bad_request", "delivery request names no message: \"{folder}/{id}\"",
                     {{"folder", request.queue_name}, {"id", request.queue_id}});
    return report;
  }
  const std::string path = spool_.path(*folder, *id);
  auto fd = open_message(path);
  if (!fd) {
    logging::warning("delivery.open", "{id}: {reason}", {{"id", request.queue_id}, {"reason", fd.error().reason}});
    return report;
  }
  queue::MessageFile message(std::move(*fd), path);
  Recorder recorder(spool_, outcome_settings_, request, message.fd());
  Job job{.request = request,
          .message = message,
          .recorder = recorder,
          .times = request.times,
          .destination_failure = std::nullopt};
  job.times.handoff = microseconds_now();
  bool failed = false;
  try {
    deliver(job);
  } catch (const Corrupt& corrupt) {
    logging::warning("delivery.corrupt", "{id}: corrupt queue file: {reason}",
                     {{"id", request.queue_id}, {"reason", corrupt.reason}});
    const auto marked = spool_.disk().set_mode("delivery.mark_corrupt", message.fd(), queue::mode::kCorrupt);
    if (!marked) {
      logging::warning("delivery.mark_corrupt", "{id}: {error}",
                       {{"id", request.queue_id}, {"error", marked.error().text}});
    }
    report.corrupt = true;
    failed = true;
  } catch (const base::Fatal&) {
    throw;
  } catch (const std::exception& problem) {
    logging::error("delivery.failed", "{id}: {problem}", {{"id", request.queue_id}, {"problem", problem.what()}});
    failed = true;
  }
  recorder.finish();
  report.some_deferred = failed || recorder.some_deferred() || recorder.recorded() < request.recipients.size();
  report.destination_failure = std::move(job.destination_failure);
  return report;
}

}  // namespace delivery
