#include "delivery/outcome.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "client/flush_client.h"
#include "config/old_defaults.h"
#include "config/param.h"
#include "delivery/status_filter.h"
#include "logging/log.h"
#include "mail/address.h"
#include "mail/text.h"
#include "queue/message.h"
#include "queue/status_log.h"
#include "table/match_list.h"

namespace delivery {

namespace {

using Recipients = std::vector<const RequestRecipient*>;

constexpr auto kFlushLimit = std::chrono::seconds(5);

// What an outcome comes to for this message, with all that may change it taken into account.
struct Verdict {
  enum class Kind { sent, bounced, deferred } kind;
  Status status;
  std::string action;      // in the status logs
  std::string_view word;   // status= in the log
  bool log_trace = false;  // trace/<id> gets an entry
  bool log_fate = false;   // bounce/<id> or defer/<id> gets one
  bool done = false;       // the recipient is marked
};

Verdict::Kind kind_of(const Outcome& outcome) {
  struct {
    Verdict::Kind operator()(const Sent&) const { return Verdict::Kind::sent; }
    Verdict::Kind operator()(const Bounced&) const { return Verdict::Kind::bounced; }
    Verdict::Kind operator()(const Deferred&) const { return Verdict::Kind::deferred; }
  } kind;
  return std::visit(kind, outcome);
}

char class_digit(Verdict::Kind kind) {
  switch (kind) {
    case Verdict::Kind::sent:
      return '2';
    case Verdict::Kind::bounced:
      return '5';
    case Verdict::Kind::deferred:
      return '4';
  }
  return '4';
}

std::string_view word_of(Verdict::Kind kind) {
  switch (kind) {
    case Verdict::Kind::sent:
      return "sent";
    case Verdict::Kind::bounced:
      return "bounced";
    case Verdict::Kind::deferred:
      return "deferred";
  }
  return "deferred";
}

void correct_class(Status& status, Verdict::Kind kind, std::string_view queue_id) {
  const char expected = class_digit(kind);
  if (mail::is_status_code(status.code) && status.code[0] == expected) return;
  logging::warning("delivery.bad_status_code", "{id}: {word}: ignoring dsn code \"{code}\"",
                   {{"id", queue_id}, {"word", word_of(kind)}, {"code", status.code}});
  status.code = fmt::format("{}.0.0", expected);
}

// Postfix logs one line a recipient; the optional parts are left out of the text, not out of the fields.
std::string log_text(const LogLine& line, bool with_original) {
  std::string text = "{id}: to=<{to}>, ";
  if (with_original) text += "orig_to=<{orig_to}>, ";
  text += "relay={relay}, ";
  if (line.connection_uses > 1) text += "conn_use={conn_use}, ";
  text += "{delays}, ";
  if (!line.tls.empty()) text += "tls={tls}, ";
  text += "dsn={dsn}, status={status} ({text})";
  return text;
}

}  // namespace

OutcomeSettings OutcomeSettings::from(const config::Config& config, std::string_view filter_parameter) {
  namespace param = config::param;
  OutcomeSettings settings;
  settings.soft_bounce = config[param::soft_bounce];
  settings.compatible_logs = config[param::backwards_bounce_logfile_compatibility];
  settings.delay_decimals = config[param::delay_logging_resolution_limit];
  const std::string& form = config[param::info_log_address_format];
  if (form != "external" && form != "internal") {
    throw config::BadValue(
        fmt::format("parameter info_log_address_format: must be external or internal, not \"{}\"", form));
  }
  settings.external_addresses = form == "external";
  settings.flush_service = "public/" + config[param::flush_service_name];
  settings.old_flush_domains = config::has_old_flush_domains(config);
  const table::Settings tables = table::Settings::from(config);
  if (const std::string& domains = config[param::fast_flush_domains]; !domains.empty()) {
    const auto parents = base::split(config[param::parent_domain_matches_subdomains]);
    const bool matches = std::ranges::find(parents, "fast_flush_domains") != parents.end();
    settings.fast_flush_domains = std::make_shared<const table::MatchList>(
        "fast_flush_domains", domains, tables, table::MatchList::Rules{.parent_matches_subdomains = matches});
  }
  if (!filter_parameter.empty()) {
    if (const std::string filter = config.value(filter_parameter).value_or(""); !filter.empty()) {
      settings.status_filter = std::make_shared<const StatusFilter>(filter_parameter, filter, tables);
    }
  }
  return settings;
}

struct Recorder::State {
  const queue::Spool& spool;
  const OutcomeSettings& settings;
  const Request& request;
  int message_fd;
  std::optional<queue::Id> id;
  bool some_deferred = false;
  std::size_t recorded = 0;
  std::set<std::string> waiting;  // domains with mail that waits, for the flush service

  Verdict judge(const Outcome& outcome, const RequestRecipient& recipient) const;
  bool append(queue::Folder log, const Recipients& recipients, const Verdict& verdict, const LogLine& line) const;
  void log(const RequestRecipient& recipient, const Verdict& verdict, const LogLine& line,
           std::string_view delays) const;
  bool mark(const RequestRecipient& recipient) const;
  bool record(const Recipients& recipients, const Outcome& outcome, const LogLine& line, const Times& times);
  bool record_alike(const Recipients& recipients, Verdict verdict, const LogLine& line, std::string_view delays);
  void note_waiting(const RequestRecipient& recipient);
  void tell_flush();
};

Verdict Recorder::State::judge(const Outcome& outcome, const RequestRecipient& recipient) const {
  using Kind = Verdict::Kind;
  Verdict verdict;
  verdict.kind = kind_of(outcome);
  verdict.status = std::visit([](const auto& fate) { return fate.status; }, outcome);
  if (settings.status_filter) {
    verdict.status = settings.status_filter->apply(std::move(verdict.status));
    if (verdict.kind != Kind::sent && !verdict.status.code.empty()) {
      verdict.kind = verdict.status.code[0] == '5' ? Kind::bounced : Kind::deferred;
    }
  }
  correct_class(verdict.status, verdict.kind, request.queue_id);
  const bool good = verdict.kind == Kind::sent;

  if ((request.trace_flags & (queue::trace::kMtaVerify | queue::trace::kUserVerify)) != 0) {
    verdict.action = good ? "deliverable" : "undeliverable";
    verdict.word = good ? "deliverable" : "undeliverable";
    verdict.log_trace = (request.trace_flags & queue::trace::kUserVerify) != 0;
    verdict.done = true;
    return verdict;
  }
  const bool traced = (request.trace_flags & queue::trace::kRecord) != 0;
  verdict.word = word_of(verdict.kind);
  switch (verdict.kind) {
    case Kind::sent: {
      const Sent* sent = std::get_if<Sent>(&outcome);
      verdict.action = sent != nullptr ? sent->action : "delivered";
      // After a delay warning the sender hears of the happy end, unless delays do not interest him.
      const bool was_late = (request.trace_flags & queue::trace::kReportDelayed) != 0 &&
                            (recipient.notify == 0 || (recipient.notify & queue::notify::kDelay) != 0);
      verdict.log_trace = traced || was_late || (recipient.notify & queue::notify::kSuccess) != 0;
      verdict.done = true;
      return verdict;
    }
    case Kind::bounced:
      verdict.log_fate = true;
      verdict.log_trace = traced;
      if (settings.soft_bounce) {
        verdict.kind = Kind::deferred;
        verdict.word = "SOFTBOUNCE";
        verdict.action = "delayed";
        verdict.status.code[0] = '4';
        return verdict;
      }
      verdict.action = "failed";
      verdict.done = true;
      return verdict;
    case Kind::deferred:
      verdict.log_fate = true;
      verdict.log_trace = traced;
      verdict.action = "delayed";
      return verdict;
  }
  return verdict;
}

bool Recorder::State::append(queue::Folder log, const Recipients& recipients, const Verdict& verdict,
                             const LogLine& line) const {
  if (!id) return false;
  // Reports to users say by whom.
  const bool with_agent = log == queue::Folder::trace && line.relay != "none";
  const std::string reason =
      with_agent ? fmt::format("delivery via {}: {}", line.relay, verdict.status.reason) : verdict.status.reason;
  std::vector<queue::StatusEntry> entries;
  entries.reserve(recipients.size());
  for (const RequestRecipient* recipient : recipients) {
    entries.push_back({.recipient = recipient->address,
                       .original_recipient = recipient->original,
                       .dsn_original = recipient->dsn_original,
                       .notify = recipient->notify,
                       .offset = recipient->offset,
                       .status = verdict.status.code,
                       .action = verdict.action,
                       .diagnostic_type = verdict.status.diagnostic_type,
                       .diagnostic_text = verdict.status.diagnostic_text,
                       .mta_type = verdict.status.mta_type,
                       .mta_name = verdict.status.mta_name,
                       .reason = reason});
  }
  // What a done mark will rely on must outlive a power cut; the text of a deferral need not.
  const auto durable = verdict.done ? queue::Durable::yes : queue::Durable::no;
  const auto done = queue::append_status(spool, log, *id, entries, durable, settings.compatible_logs);
  if (!done) {
    logging::warning("delivery.status_log", "{id}: cannot write the {log} log: {error}",
                     {{"id", request.queue_id}, {"log", queue::name_of(log)}, {"error", done.error().text}});
  }
  return done.has_value();
}

void Recorder::State::log(const RequestRecipient& recipient, const Verdict& verdict, const LogLine& line,
                          std::string_view delays) const {
  const bool with_original = !recipient.original.empty() && !base::equals_folded(recipient.original, recipient.address);
  logging::info("delivery.status", log_text(line, with_original),
                {{"id", request.queue_id},
                 {"to", mail::for_log(recipient.address, settings.external_addresses)},
                 {"orig_to", mail::for_log(recipient.original, settings.external_addresses)},
                 {"relay", line.relay},
                 {"conn_use", line.connection_uses},
                 {"delays", delays},
                 {"tls", line.tls},
                 {"dsn", verdict.status.code},
                 {"status", verdict.word},
                 {"text", verdict.status.reason}});
}

bool Recorder::State::mark(const RequestRecipient& recipient) const {
  if (message_fd < 0 || recipient.offset <= 0) return true;
  const auto marked = queue::mark_done(spool.disk(), message_fd, recipient.offset);
  if (!marked) {
    logging::warning("delivery.mark", "{id}: cannot mark <{to}> as done: {error}",
                     {{"id", request.queue_id},
                      {"to", mail::for_log(recipient.address, settings.external_addresses)},
                      {"error", marked.error().text}});
  }
  return marked.has_value();
}

void Recorder::State::note_waiting(const RequestRecipient& recipient) {
  if (!settings.fast_flush_domains) return;
  const std::string domain = base::lower(mail::split(recipient.address).domain);
  if (domain.empty() || waiting.contains(domain)) return;
  const auto listed = settings.fast_flush_domains->has_domain(domain);
  if (!listed) {
    logging::warning("delivery.fast_flush_domains", "{error}", {{"error", listed.error().text}});
  } else if (*listed) {
    waiting.insert(domain);
  }
}

// Recipients of one request may still differ in what is reported about them.
bool Recorder::State::record(const Recipients& recipients, const Outcome& outcome, const LogLine& line,
                             const Times& times) {
  const std::string delays = format_delays(times, settings.delay_decimals);
  bool known = true;
  for (std::size_t begin = 0; begin < recipients.size();) {
    Verdict verdict = judge(outcome, *recipients[begin]);
    std::size_t end = begin + 1;
    while (end < recipients.size() && recipients[end]->notify == recipients[begin]->notify) ++end;
    const Recipients alike(recipients.begin() + static_cast<std::ptrdiff_t>(begin),
                           recipients.begin() + static_cast<std::ptrdiff_t>(end));
    known = record_alike(alike, std::move(verdict), line, delays) && known;
    begin = end;
  }
  recorded += recipients.size();
  return known;
}

bool Recorder::State::record_alike(const Recipients& recipients, Verdict verdict, const LogLine& line,
                                   std::string_view delays) {
  using Kind = Verdict::Kind;
  bool known = true;
  if (verdict.kind != Kind::sent && verdict.log_fate) {
    const auto folder = verdict.kind == Kind::bounced ? queue::Folder::bounce : queue::Folder::defer;
    known = append(folder, recipients, verdict, line) || verdict.kind == Kind::deferred;
  }
  // The line before the trace log: a delivery that cannot be reported did happen.
  if (verdict.kind != Kind::sent && !known) {
    verdict = {.kind = Kind::deferred,
               .status = {.code = "4.3.0",
                          .reason = "bounce log cannot be written",
                          .diagnostic_type = {},
                          .diagnostic_text = {},
                          .mta_type = {},
                          .mta_name = {}},
               .action = "delayed",
               .word = "deferred"};
    append(queue::Folder::defer, recipients, verdict, line);
  }
  for (const RequestRecipient* recipient : recipients) log(*recipient, verdict, line, delays);
  if (verdict.log_trace && !append(queue::Folder::trace, recipients, verdict, line)) known = false;
  const bool may_be_done = verdict.done && known;
  for (const RequestRecipient* recipient : recipients) {
    if (may_be_done && mark(*recipient)) continue;
    some_deferred = true;
    if (verdict.done) known = false;
    note_waiting(*recipient);
  }
  return known;
}

void Recorder::State::tell_flush() {
  const std::set<std::string> domains = std::exchange(waiting, {});
  for (const std::string& domain : domains) {
    const client::FlushRequest add{
        .action = client::FlushRequest::Action::add, .site = domain, .queue_id = request.queue_id};
    if (settings.old_flush_domains) client::log_old_flush_domains(add.action, domain);
    const auto told = client::ask_flush(settings.flush_service, add, io::Deadline::after(kFlushLimit));
    if (told && (*told == client::FlushStatus::ok || *told == client::FlushStatus::not_configured)) continue;
    logging::warning("delivery.flush", "{id}: flush service failure: {error}",
                     {{"id", request.queue_id}, {"error", told ? "refused" : told.error().text}});
    return;  // it is no better for the others
  }
}

Recorder::Recorder(const queue::Spool& spool, const OutcomeSettings& settings, const Request& request, int message_fd)
    : state_(std::make_unique<State>(State{.spool = spool,
                                           .settings = settings,
                                           .request = request,
                                           .message_fd = message_fd,
                                           .id = queue::Id::parse(request.queue_id),
                                           .waiting = {}})) {}

Recorder::~Recorder() {
  finish();
}

bool Recorder::record(const RequestRecipient& recipient, const Outcome& outcome, const LogLine& line,
                      const Times& times) {
  return state_->record({&recipient}, outcome, line, times);
}

bool Recorder::record(const std::vector<RequestRecipient>& recipients, const Outcome& outcome, const LogLine& line,
                      const Times& times) {
  Recipients pointers;
  pointers.reserve(recipients.size());
  for (const RequestRecipient& recipient : recipients) pointers.push_back(&recipient);
  return state_->record(pointers, outcome, line, times);
}

void Recorder::passed_on(bool deferred) {
  state_->recorded += 1;
  if (deferred) state_->some_deferred = true;
}

bool Recorder::some_deferred() const {
  return state_->some_deferred;
}

std::size_t Recorder::recorded() const {
  return state_->recorded;
}

void Recorder::finish() {
  state_->tell_flush();
}

}  // namespace delivery
