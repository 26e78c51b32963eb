#include "restrictions/evaluation.h"

#include <fmt/format.h>

#include "base/text.h"
#include "logging/log.h"
#include "mail/text.h"
#include "table/fold.h"

namespace restrictions {

namespace {

constexpr std::size_t kLongestReply = 510;  // RFC 5321, without its CRLF

// A reply is one line, whatever tables, clients and services put into it.
Reply fit_reply(int code, std::string_view status, std::string text) {
  if (code < 400 || code > 599) {
    logging::warning("restrictions.bad_code", "SMTP reply code configuration error: {code} {status} {text}",
                     {{"code", code}, {"status", status}, {"text", text}});
    return {450, "4.7.1", "Service unavailable"};
  }
  Reply reply{code, std::string(status), std::move(text)};
  if (!reply.status.empty()) reply.status[0] = static_cast<char>('0' + code / 100);
  for (char& c : reply.text) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  }
  const std::size_t before = 4 + (reply.status.empty() ? 0 : reply.status.size() + 1);
  if (before + reply.text.size() > kLongestReply) {
    std::size_t end = kLongestReply - before;
    while (end > 0 && (static_cast<unsigned char>(reply.text[end]) & 0xc0) == 0x80) --end;  // not within a character
    reply.text.resize(end);
  }
  return reply;
}

bool is_ours(Trouble trouble) {
  return trouble == Trouble::software || trouble == Trouble::resource || trouble == Trouble::data;
}

}  // namespace

std::string status_for(std::string_view status, std::string_view what) {
  std::string fit(status);
  if (fit.size() < 5 || fit.substr(1, 3) != ".1.") return fit;
  const std::string_view detail = status.substr(4);
  std::string subject = "1";
  std::string_view changed = detail;
  if (what == kind::sender) {
    if (detail == "1" || detail == "3" || detail == "4" || detail == "6") changed = "7";
    if (detail == "2") changed = "8";
    if (detail == "5") changed = "0";
  } else if (what == kind::recipient) {
    if (detail == "7") changed = "3";
    if (detail == "8") changed = "2";
  } else {
    subject = changed = "0";
  }
  if (changed == detail && subject == "1") return fit;
  fit = fmt::format("{}.{}.{}", fit[0], subject, changed);
  logging::info("restrictions.status_changed", "mapping DSN status {from} into {kind} status {to}",
                {{"from", status}, {"kind", what}, {"to", fit}});
  return fit;
}

Evaluation::Evaluation(const Environment& the_environment, const Subject& the_subject, Observer* the_observer)
    : environment(the_environment),
      subject(the_subject),
      observer(the_observer),
      client_name_(the_subject.client.name_and_address()) {}

Outcome Evaluation::reject(Trouble trouble, int code, std::string_view status, std::string text) {
  Reply reply = fit_reply(code, status, std::move(text));
  if (warning_only_at > 0 && !is_ours(trouble)) {
    note("reject_warning", reply.line());
    return dunno();
  }
  decision_.trouble = trouble;
  Outcome outcome;
  outcome.verdict = Outcome::Verdict::reject;
  outcome.disconnect = reply.code == 421 || reply.code == 521;
  outcome.reply = std::move(reply);
  return outcome;
}

Outcome Evaluation::reject(int code, std::string_view status, const Target& who, std::string_view why) {
  return reject(Trouble::policy, code, status_for(status, who.kind),
                fmt::format("<{}>: {} rejected: {}", who.name, who.kind, why));
}

Outcome Evaluation::defer_if_permit(Trouble trouble, int code, std::string_view status, std::string text) {
  // Under warn_if_reject nothing is deferred.
  if (warning_only_at > 0) return reject(trouble, code, status, std::move(text));
  if (!if_permit) if_permit = Deferral{trouble, fit_reply(code, status, std::move(text))};
  return dunno();
}

Outcome Evaluation::defer_if_reject(Trouble trouble, int code, std::string_view status, std::string text) {
  if (!if_reject) if_reject = Deferral{trouble, fit_reply(code, status, std::move(text))};
  return dunno();
}

Outcome Evaluation::temporary_failure(TempfailAction action, Trouble trouble, int code, std::string_view status,
                                      std::string text) {
  switch (action) {
    case TempfailAction::defer_if_permit:
      return defer_if_permit(trouble, code, status, std::move(text));
    case TempfailAction::defer:
      break;
  }
  return reject(trouble, code, status, std::move(text));
}

Outcome Evaluation::untold_error(const Target& who, const table::Error& error) {
  logging::warning("restrictions.no_answer", "{reason}", {{"reason", error.text}});
  return table_error(who, error);
}

Outcome Evaluation::table_error(const Target& who, const table::Error&) {
  return reject(Trouble::data, 451, "4.3.0", fmt::format("<{}>: Temporary lookup failure", who.name));
}

Outcome Evaluation::configuration_error(std::string_view warning) {
  logging::warning("restrictions.configuration", "{text}", {{"text", warning}});
  return reject(Trouble::software, 451, "4.3.5", "Server configuration error");
}

void Evaluation::note(std::string_view action, std::string text) {
  decision_.notes.push_back({std::string(action), std::move(text)});
}

void Evaluation::old_default(std::string_view what) {
  if (observer == nullptr) note(kOldDefault, std::string(what));
}

Outcome Evaluation::permit(std::string_view action, std::string_view table, const Target& who) {
  // What is going to be deferred is not permitted.
  if (!environment.logged_permits.empty() && !if_permit) {
    if (const auto listed = environment.logged_permits.has_string(action); listed && *listed) {
      note("permit",
           fmt::format("action={} for {}={} {}{}", action, who.kind, who.name, table.empty() ? "" : "from ", table));
    }
  }
  Outcome outcome;
  outcome.verdict = Outcome::Verdict::permit;
  return outcome;
}

table::Answer Evaluation::lookup(const table::TableList& tables, std::string_view key, table::TableList::Ask ask) {
  table::Answer answer = tables.lookup(key, ask);
  if (observer != nullptr && answer) observer->looked_up(tables.parameter(), key, *answer ? &**answer : nullptr);
  return answer;
}

std::expected<std::optional<table::Hit>, table::Error> Evaluation::search(const table::TableList& tables,
                                                                          std::span<const table::SearchKey> keys) {
  if (observer == nullptr) return table::search(tables, keys);
  for (const table::SearchKey& key : keys) {
    auto found = table::search(tables, std::span(&key, 1));
    if (!found) return found;
    observer->looked_up(tables.parameter(), key.key, *found ? &(*found)->value : nullptr);
    if (*found) return found;
  }
  return std::nullopt;
}

// As delivery sees it: bare names are in $myorigin.
Evaluation::RouteAnswer Evaluation::route(std::string_view from, std::string_view to) const {
  const routing::Router& router = environment.router;
  return router.resolve(from, router.rewrite_internal(routing::Context::local, to, observer), observer);
}

// Tables of every type, patterns among them, see small letters only.
void Evaluation::fold(RouteAnswer& answer) const {
  if (answer) answer->recipient = table::fold_key(answer->recipient, environment.smtputf8);
}

const Evaluation::RouteAnswer& Evaluation::route_of_recipient() {
  if (!recipient_route_) {
    if (subject.recipient_route != nullptr) {
      recipient_route_.emplace(*subject.recipient_route);
    } else {
      recipient_route_.emplace(route(subject.sender.value_or(""), subject.recipient.value_or("")));
    }
    fold(*recipient_route_);
  }
  return *recipient_route_;
}

const Evaluation::RouteAnswer& Evaluation::route_of_sender() {
  if (!sender_route_) {
    if (subject.sender_route != nullptr) {
      sender_route_.emplace(*subject.sender_route);
    } else {
      sender_route_.emplace(route("", subject.sender.value_or("")));
    }
    fold(*sender_route_);
  }
  return *sender_route_;
}

}  // namespace restrictions
