#include "bounce/server.h"

#include <fcntl.h>

#include <cerrno>
#include <ctime>
#include <limits>

#include "base/error.h"
#include "client/cleanup_client.h"
#include "config/param.h"
#include "logging/log.h"
#include "mail/address.h"

namespace bounce {

namespace {

namespace param = config::param;

// Too large to be returned whole.
constexpr std::int64_t kAnySize = std::numeric_limits<std::int64_t>::max();

// Cleanup would not take the notice.
class Refused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

queue::Folder log_of(client::Notice notice) {
  switch (notice) {
    case client::Notice::failure:
    case client::Notice::verp:
      return queue::Folder::bounce;
    case client::Notice::delay:
      return queue::Folder::defer;
    case client::Notice::trace:
      break;
  }
  return queue::Folder::trace;
}

client::NoticeResult failed(std::string reason) {
  return {false, std::move(reason)};
}

}  // namespace

Server::Server(const service::Context& context)
    : settings_(Settings::from(context.config)),
      spool_(queue::SpoolSettings::from(context.config)),
      cleanup_path_("public/" + context.config[param::cleanup_service_name]),
      ipc_timeout_(context.config[param::ipc_timeout]) {}

void Server::serve(service::Client client) {
  ipc::Channel channel(std::move(client.fd));
  for (;;) {
    channel.set_deadline(io::Deadline::after(ipc_timeout_));
    const auto frame = channel.receive_frame_or_end(ipc_timeout_);
    if (!frame) return;
    if (frame->kind == client::SingleBounce::kind) {
      channel.send(answer(ipc::Channel::understand<client::SingleBounce>(*frame)));
    } else {
      channel.send(answer(ipc::Channel::understand<client::NoticeRequest>(*frame)));
    }
    channel.flush();
  }
}

client::NoticeResult Server::answer(const client::NoticeRequest& request) {
  const auto id = queue::Id::parse(request.queue_id);
  if (!id) return failed("malformed queue id");
  const queue::Folder log = log_of(request.notice);
  auto entries = queue::read_status(spool_, log, *id);
  if (!entries) return failed(entries.error().text);
  if (!*entries) return {true, ""};

  if (client::NoticeResult result = send(request, std::move(**entries)); !result.done) return result;

  // From here on the notices are cleanup's. A crash before the log is gone sends them once more.
  if (log != queue::Folder::defer) {
    if (const auto removed = spool_.remove("bounce.remove_log", log, *id); !removed) {
      return failed(removed.error().text);
    }
  }
  return {true, ""};
}

client::NoticeResult Server::answer(const client::SingleBounce& request) {
  queue::StatusEntry entry;
  entry.recipient = request.recipient;
  entry.original_recipient = request.original_recipient;
  entry.dsn_original = request.dsn_original;
  entry.notify = request.notify;
  entry.status = request.status;
  entry.action = request.action;
  entry.diagnostic_type = request.diagnostic_type;
  entry.diagnostic_text = request.diagnostic_text;
  entry.mta_type = request.mta_type;
  entry.mta_name = request.mta_name;
  entry.reason = request.reason;
  return send(request.message, {std::move(entry)});
}

client::NoticeResult Server::send(const client::NoticeRequest& about, std::vector<queue::StatusEntry> entries) {
  const auto id = queue::Id::parse(about.queue_id);
  const auto folder = queue::folder_named(about.queue_name);
  if (!id || !folder) return failed("malformed request");

  Original original;
  const std::string path = spool_.path(*folder, *id);
  base::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  // A message that is gone, or no file, is done without. Any other reason passes, and the sender is to get back what
  // was sent.
  if (!fd && errno != ENOENT && errno != ELOOP) return failed(base::with_errno("open " + path, errno));
  queue::MessageFile file(std::move(fd), path);
  if (file.fd() >= 0) {
    if (auto envelope = file.read_envelope()) {
      original.file = &file;
      original.envelope = std::move(*envelope);
      if (settings_.threaded) original.message_id = find_message_id(file);
    } else {
      logging::warning("bounce.unreadable", "{id}: {problem}",
                       {{"id", about.queue_id}, {"problem", envelope.error().text}});
    }
  }

  const bool redacted = original.envelope.require_tls && settings_.redact_require_tls;
  const Plan planned =
      plan(about, std::move(entries), redacted ? kAnySize : original.envelope.sizes.message, settings_);
  const bool is_report = about.notice == client::Notice::trace;
  if (planned.dropped && !is_report) {
    logging::warning("bounce.double", "{id}: undeliverable postmaster notification discarded",
                     {{"id", about.queue_id}});
  }
  if (is_report && planned.letters.empty()) {
    logging::info("bounce.no_report", "{id}: not sending trace/success notification for {kind}-bounce message",
                  {{"id", about.queue_id}, {"kind", planned.dropped ? "double" : "single"}});
  }
  for (const Letter& letter : planned.letters) {
    try {
      hand_over(letter, about, original);
    } catch (const std::runtime_error& problem) {  // io::StreamError, Refused
      logging::warning("bounce.failed", "{id}: {who} notification failed to {recipient}: {reason}",
                       {{"id", about.queue_id},
                        {"who", letter.for_postmaster ? "postmaster" : "sender"},
                        {"recipient", mail::quote(letter.recipient)},
                        {"reason", problem.what()}});
      return failed(problem.what());
    }
  }
  return {true, ""};
}

void Server::hand_over(const Letter& letter, const client::NoticeRequest& about, const Original& original) {
  int flags = client::cleanup_flag::kMapOk;
  if (settings_.filter_notices) flags |= client::cleanup_flag::kFilter | client::cleanup_flag::kMilter;
  if (settings_.detects_utf8) flags |= client::cleanup_flag::kAutoUtf8;
  if ((about.smtputf8 & queue::smtputf8::kRequested) != 0) flags |= client::cleanup_flag::kSmtpUtf8;
  client::CleanupClient cleanup(pool_, cleanup_path_, flags, io::Deadline::after(ipc_timeout_));
  logging::info("bounce.notice", "{id}: {what}: {notice}",
                {{"id", about.queue_id}, {"what", log_name(letter)}, {"notice", cleanup.id().text()}});
  write([&](queue::RecordType type, std::string_view data) { cleanup.append(type, data); }, letter, about, original,
        settings_, cleanup.id().text(), queue::now());
  const client::CleanupResult result = cleanup.finish();
  if (result.status != client::cleanup_status::kOk) {
    throw Refused(result.reason.empty() ? std::string(client::cleanup_status::meaning_of(result.status).text)
                                        : result.reason);
  }
}

}  // namespace bounce
