// The end of an attempt: notices, then the message is removed or deferred.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "logging/log.h"
#include "mail/address.h"
#include "qmgr/flow.h"
#include "qmgr/placement.h"
#include "qmgr/steps.h"
#include "queue/message.h"
#include "queue/status_log.h"

namespace qmgr {

namespace {

constexpr auto kBetweenTries = std::chrono::seconds(5);

client::NoticeRequest notice_for(client::Notice notice, const Kept& kept) {
  const delivery::Request& request = kept.request;
  return {.notice = notice,
          .flags = request.trace_flags,
          .queue_name = "active",
          .queue_id = request.queue_id,
          .encoding = request.encoding,
          .smtputf8 = request.smtputf8,
          .sender = request.sender,
          .envelope_id = request.envelope_id,
          .return_flags = request.return_flags,
          .verp_delimiters = kept.verp_delimiters};
}

}  // namespace

bool Flow::exists(queue::Folder log, const queue::Id& id) const {
  return ::access(spool_.path(log, id).c_str(), F_OK) == 0;
}

// True: nobody else has anything to do with the message any more, and the caller must end it.
bool Flow::claim_end(ActiveMessage& message) {
  if (!message.idle() || message.unread > 0 || message.held || message.ending) return false;
  message.ending = true;
  return true;
}

void Flow::end_if_idle(ActiveMessage& message) {
  if (claim_end(message)) end(message);
}

bool Flow::has_notices(const ActiveMessage& message) {
  const Kept kept = message.unpack();
  if (message.success_reports || kept.request.trace_flags != 0) return true;
  if (message.deferred) {
    const std::time_t current = now();
    if (message.force_expired || (kept.warn && kept.warning_time <= current + 1)) return true;
    if (is_too_old(settings_.retry, !kept.request.sender.empty(), current, kept.create_time)) return true;
  }
  return exists(queue::Folder::bounce, *queue::Id::parse(kept.request.queue_id));
}

// Notices take time, which nobody else shall wait for: a fiber of its own. Most messages have none to send.
void Flow::end(ActiveMessage& message) {
  if (!has_notices(message) && try_to_end(message)) return;
  if (io::in_fiber()) {
    (void)enders_.acquire(io::Deadline::never());
    io::spawn_vital("end", [this, &message] {
      const io::Permit permit(enders_);
      while (true) {
        try {
          if (try_to_end(message)) break;
        } catch (const std::exception& problem) {
          logging::warning("qmgr.trouble", "{problem}", {{"problem", problem.what()}});
        }
        io::sleep_until(io::Deadline::after(kBetweenTries));
      }
    });
  } else {
    (void)try_to_end(message);
  }
}

// False: the file system says no. It is to be tried again; nothing that was done needs to be done twice.
bool Flow::try_to_end(ActiveMessage& message) {
  using client::Notice;
  Kept kept = message.unpack();
  const queue::Id id = *queue::Id::parse(kept.request.queue_id);
  const auto done = [&](const disk::Result<void>& result) {
    if (result || result.error().number == ENOENT) return true;  // somebody deleted it
    logging::warning("qmgr.trouble", "{id}: {problem}", {{"id", id.text()}, {"problem", result.error().text}});
    return false;
  };

  if (message.corrupt) {
    logging::warning("qmgr.corrupt", "saving corrupt file \"{id}\" from queue \"active\" to queue \"corrupt\"",
                     {{"id", id.text()}});
    if (!done(spool_.move(step::kCorrupt, id, queue::Folder::active, queue::Folder::corrupt))) return false;
    forget(message);
    return true;
  }
  bool deferred = message.deferred;
  if (exists(queue::Folder::bounce, id)) {
    const bool verp = !kept.verp_delimiters.empty() && settings_.verp_bounces;
    if (!send_notice(verp ? Notice::verp : Notice::failure, kept)) deferred = true;
  }
  if ((kept.request.trace_flags != 0 || message.success_reports) && exists(queue::Folder::trace, id)) {
    if (!send_notice(Notice::trace, kept)) {
      deferred = true;
    } else if (kept.trace_flags_offset > 0) {
      const base::Fd fd(::open(spool_.path(queue::Folder::active, id).c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
      if (fd) (void)queue::kill_trace_flags(spool_.disk(), fd.get(), kept.trace_flags_offset);
    }
  }

  const bool has_sender = !kept.request.sender.empty();
  const bool expired =
      message.force_expired || is_too_old(settings_.retry, has_sender, believed_now(), kept.create_time);
  if (deferred && expired && expire(kept, id, message)) deferred = false;
  if (deferred) {
    if (!expired) warn_sender(kept, id);
    const std::time_t next = next_attempt(settings_.retry, id.text(), now(), kept.create_time);
    if (!done(spool_.move_until(step::kDefer, id, queue::Folder::active, queue::Folder::deferred, next))) return false;
  } else {
    if (message.has_delay_log || message.deferred) (void)spool_.remove(step::kForgetDelay, queue::Folder::defer, id);
    const bool has_been_elsewhere = !kept.request.fresh || message.deferred || message.has_delay_log;
    if (has_been_elsewhere || !spares_.keep(id, kept.request.size)) {
      if (!done(spool_.remove(step::kRemove, queue::Folder::active, id))) return false;
    }
    logging::info("qmgr.removed", "{id}: removed", {{"id", id.text()}});
  }
  forget(message);
  return true;
}

void Flow::forget(ActiveMessage& message) {
  if (message.probe) --probes_;
  scheduler_.remove(message);
  active_.erase(message.self);
  work_.notify_one();
}

bool Flow::send_notice(client::Notice notice, const Kept& kept) {
  const auto sent = bounce_.send(notice_for(notice, kept), io::Deadline::after(settings_.ipc_timeout));
  if (!sent) {
    logging::warning("qmgr.notice", "{id}: no notice was sent: {problem}",
                     {{"id", kept.request.queue_id}, {"problem", sent.error().text}});
  }
  return sent.has_value();
}

// What the last attempt said about each recipient becomes the reason of its return. The bounce log is safe before the
// recipients are marked; a crash in between leaves an entry that is found here again.
bool Flow::expire(const Kept& kept, const queue::Id& id, ActiveMessage& message) {
  const bool forced = message.force_expired;
  // Of recipients of whom no attempt has said anything.
  const std::string code = forced ? "4.7.0" : "4.4.7";
  const std::string reason = forced ? "message is administratively expired" : "delivery time expired";
  const auto fail = [&](std::string_view problem) {
    logging::warning("qmgr.expired", "{id}: {problem}", {{"id", id.text()}, {"problem", problem}});
    return false;
  };
  const std::string path = spool_.path(queue::Folder::active, id);
  base::Fd fd(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return errno == ENOENT || fail(base::with_errno("open " + path, errno));
  queue::MessageFile file(std::move(fd), path);

  std::map<std::int64_t, queue::StatusEntry> reasons;
  if (auto log = queue::read_status(spool_, queue::Folder::defer, id); log && *log) {
    for (queue::StatusEntry& entry : **log) reasons.insert_or_assign(entry.offset, std::move(entry));
  }
  std::map<std::int64_t, bool> told;
  if (const auto log = queue::read_status(spool_, queue::Folder::bounce, id); log && *log) {
    for (const queue::StatusEntry& entry : **log) told[entry.offset] = true;
  }
  constexpr std::size_t kPortion = 1000;
  std::int64_t from = 0;
  do {
    const auto batch = file.read_recipients(from, kPortion);
    if (!batch) return fail(batch.error().text);
    from = batch->next;
    std::vector<queue::StatusEntry> entries;
    std::vector<delivery::RequestRecipient> never_told;
    for (const queue::Recipient& recipient : batch->recipients) {
      if (told.contains(recipient.offset)) continue;
      queue::StatusEntry entry;
      if (const auto known = reasons.find(recipient.offset); known != reasons.end()) {
        entry = known->second;
      } else {
        entry.recipient = recipient.address;
        entry.original_recipient = recipient.original;
        entry.dsn_original = recipient.dsn_original;
        entry.notify = recipient.notify;
        entry.offset = recipient.offset;
        entry.status = code;
        entry.reason = reason;
        never_told.push_back(
            {recipient.address, recipient.original, recipient.dsn_original, recipient.notify, recipient.offset});
      }
      entry.action = "failed";
      entries.push_back(std::move(entry));
    }
    // Every recipient has a line in the log that tells what became of it.
    if (!never_told.empty()) tell(kept, never_told, delivery::Deferred{status(code, reason)}, message);
    if (!entries.empty()) {
      const auto written = queue::append_status(spool_, queue::Folder::bounce, id, entries, queue::Durable::yes,
                                                settings_.compatible_logs);
      if (!written) return fail(written.error().text);
    }
    for (const queue::Recipient& recipient : batch->recipients) {
      if (const auto marked = queue::mark_done(spool_.disk(), file.fd(), recipient.offset); !marked) {
        return fail(marked.error().text);
      }
    }
  } while (from != 0);
  logging::info("qmgr.expired", "{id}: from=<{sender}>, status={status}, returned to sender",
                {{"id", id.text()},
                 {"sender", mail::for_log(kept.request.sender, settings_.external_addresses)},
                 {"status", forced ? "force-expired" : "expired"}});
  if (!exists(queue::Folder::bounce, id)) return true;
  const bool verp = !kept.verp_delimiters.empty() && settings_.verp_bounces;
  return send_notice(verp ? client::Notice::verp : client::Notice::failure, kept);
}

void Flow::warn_sender(const Kept& kept, const queue::Id& id) {
  if (!kept.warn || kept.warning_time > believed_now() + 1 || kept.request.sender.empty()) return;
  if (!send_notice(client::Notice::delay, kept)) return;
  const base::Fd fd(::open(spool_.path(queue::Folder::active, id).c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return;
  if (const auto marked = queue::mark_warned(spool_.disk(), fd.get(), kept.warning_offset); !marked) {
    logging::warning("qmgr.trouble", "{id}: {problem}", {{"id", id.text()}, {"problem", marked.error().text}});
  }
}

}  // namespace qmgr
