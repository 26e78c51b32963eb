// Deliveries: a fiber each, from the scheduler's choice to what the agent reports.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "logging/log.h"
#include "mail/address.h"
#include "qmgr/breath.h"
#include "qmgr/flow.h"
#include "qmgr/recipients.h"
#include "queue/message.h"

namespace qmgr {

namespace {

constexpr std::string_view kSuspended = "delivery temporarily suspended: ";

scheduler::Time steady_now() {
  return std::chrono::duration_cast<std::chrono::microseconds>(io::Clock::now().time_since_epoch()).count();
}

std::string temporary(std::string code) {
  if (code.empty()) return "4.3.0";
  code[0] = '4';
  return code;
}

bool is_ascii_only(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

// "connect to private/x: No such file or directory": the reason alone.
std::string_view last_clause(std::string_view text) {
  const auto colon = text.rfind(": ");
  return colon == std::string_view::npos ? text : text.substr(colon + 2);
}

}  // namespace

void Flow::dispatch_for_ever() {
  while (true) {
    dispatch();
    const scheduler::Time now = steady_now();
    const scheduler::Time next = scheduler_.next_event(now);
    auto deadline = io::Deadline::never();
    if (next != scheduler::kNever) {
      // Refills that are due are the business of the fiber that takes in.
      const scheduler::Time wait = std::max<scheduler::Time>(next - now, scheduler::kSecond / 100);
      deadline = io::Deadline::after(std::chrono::microseconds(wait));
    }
    (void)schedule_.wait(deadline);
  }
}

void Flow::dispatch() {
  scheduler_.advance(steady_now());
  while (!stopping_ && running_ < settings_.most_deliveries) {
    scheduler::Entry* const entry = scheduler_.select(steady_now());
    if (entry == nullptr) break;
    ++running_;
    io::spawn_vital("delivery", [this, entry] { deliver(*entry); });
  }
  warn_of_clogging();
  if (scheduler_.next_event(steady_now()) <= steady_now()) work_.notify_one();
}

using Result = scheduler::Scheduler::Result;

struct Flow::Asked {
  std::expected<delivery::Report, delivery::NoReport> report;
  std::vector<delivery::RequestRecipient> recipients;
};

Flow::Asked Flow::ask(const scheduler::Entry& entry, const Kept& kept,
                      std::vector<delivery::RequestRecipient> recipients) {
  delivery::Request request = kept.request;
  request.nexthop = entry.destination->next_hop();
  request.times.handoff = delivery::microseconds_now();
  request.recipients = std::move(recipients);
  for (const auto& recipient : request.recipients) {
    if (!is_ascii_only(recipient.address)) request.smtputf8 |= queue::smtputf8::kRecipient;
  }
  auto report =
      delivery::ask_agent(pool_, "private/" + entry.destination->transport->name, request,
                          io::Deadline::after(settings_.ipc_timeout), io::Deadline::after(settings_.longest_delivery));
  return {std::move(report), std::move(request.recipients)};
}

void Flow::deliver(scheduler::Entry& entry) {
  auto& message = static_cast<ActiveMessage&>(*entry.message);
  const std::string transport = entry.destination->transport->name;
  const std::string key = entry.destination->key;
  Ending ending;
  try {
    ending = deliver_to_the_end(entry, message);
  } catch (const std::exception& problem) {
    logging::warning("qmgr.trouble", "delivery over {transport}: {problem}",
                     {{"transport", transport}, {"problem", problem.what()}});
    message.deferred = true;
    ending.result = Result::broken;
  }
  --running_;
  ended_.notify_all();
  if (ending.unreachable) {
    scheduler_.finish_unreachable(entry, ending.why, steady_now());
    doomed_.notify_one();
    return;
  }
  scheduler_.finish(entry, ending.result, ending.why, steady_now());
  if (settings_.debug_feedback) debug_feedback(transport, key);
  doomed_.notify_one();
  dispatch();
  schedule_.notify_one();
  if (!claim_end(message)) return;
  // What was just dispatched goes out first: to remove a file may take as long as to deliver one.
  io::yield();
  end(message);
}

Flow::Ending Flow::deliver_to_the_end(const scheduler::Entry& entry, ActiveMessage& message) {
  const Kept kept = message.unpack();
  const std::string_view transport = entry.destination->transport->name;
  // For mailing lists that want it, each recipient has a sender of its own.
  const bool each_alone = !kept.verp_delimiters.empty();
  auto recipients = unpack_all(entry.recipients);
  const std::size_t portion = each_alone ? 1 : recipients.size();
  for (std::size_t begin = 0; begin < recipients.size(); begin += portion) {
    const auto first = recipients.begin() + static_cast<std::ptrdiff_t>(begin);
    std::vector<delivery::RequestRecipient> part(first, first + static_cast<std::ptrdiff_t>(portion));
    Kept this_time = kept;
    if (each_alone) {
      // Under which the sender knows the recipient, not what an alias made of it.
      const std::string& known = part[0].original.empty() ? part[0].address : part[0].original;
      this_time.request.sender = mail::verp_sender(kept.request.sender, kept.verp_delimiters, known);
    }
    const Asked asked = ask(entry, this_time, std::move(part));
    if (asked.report) {
      if (asked.report->some_deferred) message.deferred = true;
      if (asked.report->corrupt) message.corrupt = true;
      if (const auto& failure = asked.report->destination_failure) {
        message.deferred = true;  // also for those that were not asked about any more
        return {Result::failed, {temporary(failure->code), std::string(kSuspended) + failure->reason}};
      }
      continue;
    }
    message.deferred = true;
    const std::string& reason = asked.report.error().text;
    if (asked.report.error().kind == delivery::NoReport::Kind::unreachable) {
      logging::warning("qmgr.unreachable", "connect to transport private/{transport}: {reason}",
                       {{"transport", transport}, {"reason", last_clause(reason)}});
      return {Result::broken, {"4.3.0", "mail transport unavailable"}, true};
    }
    logging::warning("qmgr.agent_died", "{id}: private/{transport}: premature disconnect: {reason}",
                     {{"id", kept.request.queue_id}, {"transport", transport}, {"reason", reason}});
    tell(kept, asked.recipients, delivery::Deferred{status("4.3.0", "unknown mail transport error")}, message);
    return {Result::broken, {}};
  }
  return {};
}

// Recipients that were marked done meanwhile have been told about.
void Flow::tell(const Kept& kept, const std::vector<delivery::RequestRecipient>& recipients,
                const delivery::Outcome& outcome, ActiveMessage& message) {
  const auto id = queue::Id::parse(kept.request.queue_id);
  const base::Fd fd(::open(spool_.path(queue::Folder::active, *id).c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) {
    if (errno == ENOENT) return;  // somebody deleted it
    message.deferred = true;
    logging::warning("qmgr.trouble", "{id}: {problem}",
                     {{"id", id->text()}, {"problem", base::with_errno("open the queue file", errno)}});
    return;
  }
  std::vector<delivery::RequestRecipient> undone;
  for (const auto& recipient : recipients) {
    char type = 0;
    const bool read = ::pread(fd.get(), &type, 1, recipient.offset) == 1;
    if (!read || type != static_cast<char>(queue::RecordType::done)) undone.push_back(recipient);
  }
  if (undone.empty()) return;
  delivery::Recorder recorder(spool_, outcomes_, kept.request, fd.get());
  recorder.record(undone, outcome, {}, kept.request.times);
  if (recorder.some_deferred()) message.deferred = true;
}

void Flow::tell_condemned_for_ever() {
  for (Breath breath;; breath.take_if_due()) tell_condemned();
}

void Flow::tell_condemned() {
  auto condemned = scheduler_.next_condemned();
  if (!condemned) {
    (void)doomed_.wait(io::Deadline::never());
    return;
  }
  auto& message = static_cast<ActiveMessage&>(*condemned->entry->message);
  message.deferred = true;  // even if nothing more can be said
  tell(message.unpack(), unpack_all(condemned->entry->recipients),
       delivery::Deferred{status(condemned->why->code, condemned->why->reason)}, message);
  scheduler_.finish_condemned(*condemned->entry);
  end_if_idle(message);
}

void Flow::warn_of_clogging() {
  for (const auto& clogged : scheduler_.take_clogged()) {
    const auto warn = [](std::string_view text, logging::Fields fields) {
      logging::warning("qmgr.clogged", text, fields);
    };
    warn("mail for {nexthop} is using up {entries} of {messages} active queue entries",
         {{"nexthop", clogged.nexthop}, {"entries", clogged.entries}, {"messages", clogged.messages}});
    if (clogged.entries < clogged.messages / 10 * 9) warn("this may slow down other mail deliveries", {});
    if (clogged.concurrency_limit > 0 && clogged.busy >= clogged.concurrency_limit) {
      warn("you may need to increase the main.cf {transport}_destination_concurrency_limit from {limit}",
           {{"transport", clogged.transport}, {"limit", clogged.concurrency_limit}});
    }
    if (clogged.other_destinations) {
      warn("you may need a separate master.cf transport for {nexthop}", {{"nexthop", clogged.nexthop}});
    } else {
      warn("you may need to reduce {transport} connect and helo timeouts", {{"transport", clogged.transport}});
      warn("so that Postfix quickly skips unavailable hosts", {});
      warn("you may need to increase the main.cf minimal_backoff_time and maximal_backoff_time", {});
      warn("so that Postfix wastes less time on undeliverable mail", {});
      warn("you may need to increase the master.cf {transport} process limit", {{"transport", clogged.transport}});
    }
    warn("please avoid flushing the whole queue when you have", {});
    warn("lots of deferred mail, that is bad for performance", {});
    warn("to turn off these warnings specify: qmgr_clog_warn_time = 0", {});
  }
}

void Flow::debug_feedback(const std::string& transport, const std::string& key) const {
  const scheduler::Destination* const destination = scheduler_.find_destination(transport, key);
  if (destination == nullptr) return;
  logging::info("qmgr.feedback",
                "{transport}: queue {nexthop}: limit {limit} window {window} success {success} failure {failure} "
                "fail_cohorts {cohorts}",
                {{"transport", transport},
                 {"nexthop", destination->next_hop()},
                 {"limit", destination->transport->settings.concurrency_limit},
                 {"window", destination->dead() ? 0 : destination->window},
                 {"success", destination->success},
                 {"failure", destination->failure},
                 {"cohorts", destination->failed_cohorts}});
}

}  // namespace qmgr
