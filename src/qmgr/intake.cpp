// Taking messages in: incoming or deferred -> active, or straight back to deferred.

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.h"
#include "logging/log.h"
#include "mail/address.h"
#include "qmgr/breath.h"
#include "qmgr/flow.h"
#include "qmgr/recipients.h"
#include "qmgr/steps.h"
#include "queue/lock.h"
#include "service/service.h"

namespace qmgr {

namespace {

// Whether the reason is this one file's, or would meet any other file, too.
bool is_general(int number) {
  return number == EMFILE || number == ENFILE || number == ENOMEM || number == ENOSPC || number == EDQUOT ||
         number == EROFS;
}

scheduler::Time steady_now() {
  return std::chrono::duration_cast<std::chrono::microseconds>(io::Clock::now().time_since_epoch()).count();
}

// The same, but for the text of the diagnostics, which our own verdicts do not have.
bool same(const delivery::Outcome& a, const delivery::Outcome& b) {
  if (a.index() != b.index()) return false;
  const auto text = [](const auto& fate) { return std::pair(fate.status.code, fate.status.reason); };
  return std::visit(text, a) == std::visit(text, b);
}

}  // namespace

// Recipients of one reading, sorted by what becomes of them.
struct Flow::Batch {
  struct Assigned {
    Placement placement;
    std::string key;
    delivery::RequestRecipient recipient;
  };
  struct Decided {
    delivery::Outcome outcome;
    std::vector<delivery::RequestRecipient> recipients;
  };
  std::vector<Assigned> assigned;
  std::vector<Decided> decided;

  void decide(delivery::RequestRecipient recipient, delivery::Outcome outcome) {
    for (Decided& other : decided) {
      if (!same(other.outcome, outcome)) continue;
      other.recipients.push_back(std::move(recipient));
      return;
    }
    decided.push_back({std::move(outcome), {}});
    decided.back().recipients.push_back(std::move(recipient));
  }
};

void Flow::take_in_for_ever() {
  for (Breath breath; !stopping_; breath.take_if_due()) {
    std::string why;
    try {
      take_in_next();
      continue;
    } catch (const std::exception& problem) {  // out of memory, and the like
      if (in_hand_) throw;
      why = problem.what();
    }
    // Whatever it was, it is still in its folder.
    feed_.drop_announced();
    scan_incoming({});
    pause(why);
  }
}

void Flow::take_in_next() {
  in_hand_ = false;
  if (const auto refreshed = routes_->refresh(); !refreshed) {
    stale_ = refreshed.error().text;  // the frame looks at this soon; until then the old tables serve
  }
  in_hand_ = true;
  const auto refills = scheduler_.refills(steady_now());
  for (const auto& refill : refills) read_more(static_cast<ActiveMessage&>(*refill.message), refill.recipients);
  if (!refills.empty()) return dispatch();
  in_hand_ = false;

  const bool has_room = active_.size() < static_cast<std::size_t>(settings_.scheduling.active_limit);
  if (!has_room || feed_.empty()) {
    if (feed_.empty() && std::exchange(scanned_, false)) service::flow::restore();
    (void)work_.wait(io::Deadline::never());
    return;
  }
  const auto candidate = feed_.next();
  if (!candidate) return;
  const bool is_new = candidate->folder == queue::Folder::incoming;
  switch (take_in(*candidate)) {
    case Taken::activated:
      dispatch();
      [[fallthrough]];
    case Taken::settled:
      if (is_new) service::flow::put(1);
      break;
    case Taken::nothing:
    case Taken::postponed:
    case Taken::corrupt:
      break;
    case Taken::trouble:
      // Whatever it was, it is still in its folder.
      feed_.drop_announced();
      if (is_new) scan_incoming({});
      pause("the queue's file system is in trouble");
      break;
  }
}

void Flow::scan_incoming(const Feed::Wishes& wishes) {
  feed_.scan_incoming(wishes);
  scanned_ = true;
}

bool Flow::is_due(const Candidate& candidate) {
  struct stat status{};
  if (::lstat(spool_.path(candidate.folder, candidate.id).c_str(), &status) != 0) return false;
  return is_due(status.st_mtime, candidate.folder);
}

Flow::Taken Flow::reject(const queue::Id& id, queue::Folder folder, std::string_view why) {
  logging::warning("qmgr.corrupt", "{id}: {why}", {{"id", id.text()}, {"why", why}});
  logging::warning("qmgr.corrupt", "saving corrupt file \"{id}\" from queue \"{from}\" to queue \"corrupt\"",
                   {{"id", id.text()}, {"from", queue::name_of(folder)}});
  const auto moved = spool_.move(step::kCorrupt, id, folder, queue::Folder::corrupt);
  if (!moved && moved.error().number != ENOENT) {
    logging::warning("qmgr.corrupt", "{id}: {problem}", {{"id", id.text()}, {"problem", moved.error().text}});
  }
  return Taken::corrupt;
}

Flow::Taken Flow::take_in(const Candidate& candidate) {
  const queue::Id& id = candidate.id;
  const auto trouble = [&](std::string_view why, int number) {
    logging::warning("qmgr.trouble", "{id}: {why}", {{"id", id.text()}, {"why", why}});
    return is_general(number) ? Taken::trouble : Taken::nothing;
  };
  // Most of the deferred queue is not due at any one time.
  const bool from_deferred = candidate.folder == queue::Folder::deferred;
  if (from_deferred && !candidate.ignore_times && !is_due(candidate)) return Taken::nothing;

  const std::string path = spool_.path(candidate.folder, id);
  base::Fd fd(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) {
    const int number = errno;
    if (number == ENOENT || number == ELOOP) return Taken::nothing;
    return trouble(base::with_errno("open " + path, number), number);
  }
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return trouble(base::with_errno("fstat " + path, errno), errno);
  if (!S_ISREG(status.st_mode)) return Taken::nothing;
  if (queue::mode::is_corrupt(status.st_mode)) return reject(id, candidate.folder, "marked as corrupt");
  if (!queue::mode::is_ready(status.st_mode)) return Taken::nothing;
  // What cleanup tells of is new, whatever the time of its file: a scan may have come while cleanup still held it.
  if (!candidate.ignore_times && !candidate.announced && !is_due(status.st_mtime, candidate.folder)) {
    logging::debug("qmgr.skip", "{id}: skip {path} ({seconds} seconds)",
                   {{"id", id.text()}, {"path", path}, {"seconds", status.st_mtime - now()}});
    return Taken::nothing;
  }
  const auto locked = queue::try_lock(fd.get(), queue::Lock::exclusive);
  if (!locked) return trouble(locked.error().text, locked.error().number);
  if (!*locked) {
    // An agent that the queue manager before us has asked; or cleanup is just ending it, which will tell us.
    logging::info("qmgr.locked", "{id}: skipped, still being delivered", {{"id", id.text()}});
    const auto set = spool_.disk().set_times(step::kPostpone, fd.get(), now() + kLockedPause);
    if (!set) return trouble(set.error().text, set.error().number);
    return Taken::postponed;
  }

  std::optional<queue::MessageFile> file(std::in_place, std::move(fd), path);
  const auto envelope = file->read_envelope();
  if (!envelope) return reject(id, candidate.folder, envelope.error().text);
  Kept kept = keep(*envelope, id, settings_.confirm_delay_cleared);
  // An agent can have seen it only if another queue manager took it in before.
  kept.request.fresh = candidate.announced && envelope->create_time > started_;

  ActiveMessage flags;  // what will be the message's
  flags.unthrottle = (status.st_mode & queue::mode::kUnthrottle) != 0;
  flags.flush = candidate.flush || flags.unthrottle;
  flags.force_expired = (status.st_mode & queue::mode::kExpire) != 0;
  flags.success_reports = (envelope->sizes.hints & (queue::notify::kSuccess << 1)) != 0;
  flags.probe = (envelope->trace_flags & queue::trace::kMtaVerify) != 0;

  Batch batch;
  std::size_t read = 0;
  if (!flags.force_expired) {
    auto recipients = file->read_recipients(0, scheduler_.first_batch());
    if (!recipients) return reject(id, candidate.folder, recipients.error().text);
    read = recipients->recipients.size();
    flags.next_recipient = recipients->next;
    batch = sort_recipients(kept, flags, std::move(recipients->recipients), file->fd());
  }

  const bool settles = may_settle(id, flags, kept, batch);
  if (!settles) {
    in_hand_ = true;
    const auto moved = spool_.move(step::kActivate, id, candidate.folder, queue::Folder::active);
    if (!moved) {
      if (moved.error().number == ENOENT) return Taken::nothing;  // somebody deleted it or put it on hold
      return trouble(moved.error().text, moved.error().number);
    }
  }
  // --- from here on it is in the hands of this process, wherever its file is
  logging::info("qmgr.active", "{id}: from=<{sender}>, size={size}, nrcpt={count} (queue active)",
                {{"id", id.text()},
                 {"sender", mail::for_log(envelope->sender, settings_.external_addresses)},
                 {"size", envelope->sizes.content},
                 {"count", envelope->sizes.recipients}});
  if (flags.unthrottle) {
    (void)spool_.disk().set_mode(step::kUnthrottle, file->fd(),
                                 (status.st_mode & 07777) & ~mode_t{queue::mode::kUnthrottle});
  }
  // What the last attempt had to say is over; but for the expired that is what the sender hears.
  flags.has_delay_log = !kept.request.fresh;
  if (!flags.force_expired && flags.has_delay_log) forget_delay(id);
  if (settles) return settle(candidate, kept, batch, file->fd());
  file.reset();  // and with it the lock: agents may be asked from now on

  ActiveMessage& message = active_.emplace_back();
  message.self = std::prev(active_.end());
  message.next_recipient = flags.next_recipient;
  message.deferred = flags.force_expired;
  message.force_expired = flags.force_expired;
  message.flush = flags.flush;
  message.unthrottle = flags.unthrottle;
  message.success_reports = flags.success_reports;
  message.redirected = flags.redirected;
  message.has_delay_log = flags.has_delay_log;
  message.probe = flags.probe;
  if (message.probe) ++probes_;
  message.pack(kept);
  message.held = true;  // telling what was decided may take time, in which all deliveries may come to their end
  scheduler_.add(message, steady_now());
  assign(message, batch);
  for (const Batch::Decided& decided : batch.decided) tell(kept, decided.recipients, decided.outcome, message);
  const std::int64_t unread =
      flags.next_recipient == 0
          ? 0
          : std::max<std::int64_t>(envelope->sizes.recipients - static_cast<std::int64_t>(read), 1);
  scheduler_.set_unread(message, static_cast<std::uint32_t>(std::min<std::int64_t>(unread, UINT32_MAX)), steady_now());
  message.held = false;
  end_if_idle(message);
  return Taken::activated;
}

// The log is emptied, not removed: most messages that were deferred once are deferred again, and making a new file
// costs many times as much as all the rest of an attempt.
void Flow::forget_delay(const queue::Id& id) {
  const base::Fd log(::open(spool_.path(queue::Folder::defer, id).c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!log) return;
  if (!spool_.disk().truncate(step::kForgetDelay, log.get(), 0)) {
    (void)spool_.remove(step::kForgetDelay, queue::Folder::defer, id);
  }
}

Flow::Batch Flow::sort_recipients(Kept& kept, ActiveMessage& flags, std::vector<queue::Recipient> recipients,
                                  int message_fd) {
  Batch batch;
  const PlacementRules rules{settings_, kept.request.sender, kept.filter, flags.flush};
  const auto purpose = flags.probe ? routing::Router::Purpose::verification : routing::Router::Purpose::delivery;
  const FindRoute find_route = [&](std::string_view sender, std::string_view recipient) {
    return routes_->find(purpose, sender, recipient);
  };
  for (queue::Recipient& one : recipients) {
    delivery::RequestRecipient recipient{std::move(one.address), std::move(one.original), std::move(one.dsn_original),
                                         one.notify, one.offset};
    if (!kept.redirect.empty()) {
      // One copy for the redirect address; what remains of the others is that they are done.
      if (std::exchange(flags.redirected, true)) {
        const auto marked = queue::mark_done(spool_.disk(), message_fd, recipient.offset);
        if (!marked) flags.deferred = true;
        continue;
      }
      recipient.address = kept.redirect;
    }
    if (flags.probe && probes_ >= settings_.most_probes) {
      batch.decide(std::move(recipient), delivery::Deferred{status("4.3.2", "Too many address verification requests")});
      continue;
    }
    Place where = place(rules, find_route, recipient.address);
    if (Verdict* verdict = std::get_if<Verdict>(&where)) {
      recipient.address = std::move(verdict->address);
      batch.decide(std::move(recipient), std::move(verdict->outcome));
      continue;
    }
    Placement& placement = std::get<Placement>(where);
    recipient.address = placement.address;
    std::string key = destination_key(placement, scheduler_.recipients_per_delivery(placement.transport),
                                      settings_.recipient_delimiters);
    if (flags.unthrottle) scheduler_.forgive(placement.transport, key);
    if (const auto suspension = scheduler_.suspension(placement.transport, key)) {
      batch.decide(std::move(recipient), delivery::Deferred{status(suspension->code, suspension->reason)});
      continue;
    }
    batch.assigned.push_back({std::move(placement), std::move(key), std::move(recipient)});
  }
  return batch;
}

// A message of which every recipient is deferred here and now, and about which there is nothing else to do, need not go
// by way of the active queue.
bool Flow::may_settle(const queue::Id& id, const ActiveMessage& flags, const Kept& kept, const Batch& batch) {
  if (!batch.assigned.empty() || batch.decided.empty() || flags.next_recipient != 0 || flags.force_expired)
    return false;
  if (kept.request.trace_flags != 0 || flags.success_reports || outcomes_.soft_bounce) return false;
  for (const Batch::Decided& decided : batch.decided) {
    if (!std::holds_alternative<delivery::Deferred>(decided.outcome)) return false;
  }
  // Soon too old, even if the clock is in doubt: the long way knows.
  const std::time_t current = now();
  if (is_too_old(settings_.retry, !kept.request.sender.empty(), current, kept.create_time)) return false;
  if (kept.warn && kept.warning_time <= current + 1) return false;
  return !exists(queue::Folder::bounce, id);
}

Flow::Taken Flow::settle(const Candidate& candidate, const Kept& kept, const Batch& batch, int message_fd) {
  {
    delivery::Recorder recorder(spool_, outcomes_, kept.request, message_fd);
    for (const Batch::Decided& decided : batch.decided) {
      recorder.record(decided.recipients, decided.outcome, {}, kept.request.times);
    }
  }
  const queue::Id& id = candidate.id;
  const std::time_t next = next_attempt(settings_.retry, id.text(), now(), kept.create_time);
  auto done = spool_.disk().set_times(step::kDefer, message_fd, next);
  if (done) done = spool_.move(step::kDefer, id, candidate.folder, queue::Folder::deferred);
  if (done || done.error().number == ENOENT) return Taken::settled;
  logging::warning("qmgr.trouble", "{id}: {problem}", {{"id", id.text()}, {"problem", done.error().text}});
  return Taken::trouble;
}

void Flow::assign(ActiveMessage& message, const Batch& batch) {
  const scheduler::Time now = steady_now();
  for (const Batch::Assigned& assigned : batch.assigned) {
    scheduler_.assign(message, assigned.placement.transport, assigned.key, assigned.placement.nexthop,
                      pack(assigned.recipient), now);
  }
}

void Flow::read_more(ActiveMessage& message, std::uint32_t most) {
  message.held = true;
  read_portion(message, most);
  message.held = false;
  end_if_idle(message);
}

void Flow::read_portion(ActiveMessage& message, std::uint32_t most) {
  Kept kept = message.unpack();
  const auto id = queue::Id::parse(kept.request.queue_id);
  const std::string path = spool_.path(queue::Folder::active, *id);
  base::Fd fd(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  const auto nothing_more = [&] { scheduler_.set_unread(message, 0, steady_now()); };
  if (!fd && errno == ENOENT) return nothing_more();  // somebody deleted it
  if (!fd) {
    logging::warning("qmgr.trouble", "{id}: {problem}",
                     {{"id", id->text()}, {"problem", base::with_errno("open " + path, errno)}});
    // Another time. With nothing in memory it would ask again at once.
    message.deferred = true;
    return nothing_more();
  }
  queue::MessageFile file(std::move(fd), path);
  auto recipients = file.read_recipients(message.next_recipient, most);
  if (!recipients) {
    logging::warning("qmgr.corrupt", "{id}: {problem}", {{"id", id->text()}, {"problem", recipients.error().text}});
    message.corrupt = true;
    return nothing_more();
  }
  const auto read = static_cast<std::uint32_t>(recipients->recipients.size());
  message.next_recipient = recipients->next;
  const Batch batch = sort_recipients(kept, message, std::move(recipients->recipients), file.fd());
  assign(message, batch);
  for (const Batch::Decided& decided : batch.decided) tell(kept, decided.recipients, decided.outcome, message);
  const std::uint32_t unread = message.unread > read ? message.unread - read : 1;
  scheduler_.set_unread(message, message.next_recipient == 0 ? 0 : unread, steady_now());
}

// What another queue manager had in its hands. Only names are collected at first, so that new mail need not wait.
void Flow::recover_active() {
  std::vector<queue::Id> left;
  const auto listed = spool_.for_each(queue::Folder::active, [&](const queue::Spool::Entry& entry) {
    left.push_back(entry.id);
    return true;
  });
  if (!listed) logging::warning("qmgr.trouble", "{problem}", {{"problem", listed.error().text}});
  scan_incoming({});
  work_.notify_one();
  Breath breath;
  for (const queue::Id& id : left) {
    breath.take_if_due();
    while (true) {
      const auto moved = spool_.move(step::kRecover, id, queue::Folder::active, queue::Folder::incoming);
      if (moved || moved.error().number == ENOENT) break;
      pause(moved.error().text);
    }
  }
  if (left.empty()) return;
  scan_incoming({});
  work_.notify_one();
}

}  // namespace qmgr
