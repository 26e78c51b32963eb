#include "restrictions/list.h"

#include <fmt/format.h>

#include <algorithm>

namespace restrictions {

namespace {

constexpr int kDeepest = 100;  // of classes in classes

// What one item did, for people who watch.
std::string_view told(const Outcome& outcome, bool defers_now, bool defers_reject_now) {
  if (outcome.verdict == Outcome::Verdict::dunno && defers_now) return "defer_if_permit";
  if (outcome.verdict == Outcome::Verdict::dunno && defers_reject_now) return "defer_if_reject";
  return name_of(outcome.verdict);
}

// Gives the depth and the warning back, whatever ends the list.
class Entered {
 public:
  explicit Entered(Evaluation& evaluation) : evaluation_(evaluation) { ++evaluation_.depth; }
  Entered(const Entered&) = delete;
  Entered& operator=(const Entered&) = delete;
  ~Entered() {
    if (evaluation_.warning_only_at >= evaluation_.depth) evaluation_.warning_only_at = 0;
    --evaluation_.depth;
  }

 private:
  Evaluation& evaluation_;
};

Outcome ask_item(Evaluation& evaluation, const List& list, const Item& item) {
  if (evaluation.observer == nullptr) return item.restriction->ask(evaluation);
  evaluation.observer->asked(item.text, list.origin);
  const bool deferred = evaluation.if_permit.has_value(), reject_deferred = evaluation.if_reject.has_value();
  const std::size_t notes = evaluation.decision().notes.size();
  Outcome outcome = item.restriction->ask(evaluation);
  const bool defers = !deferred && evaluation.if_permit, defers_reject = !reject_deferred && evaluation.if_reject;
  std::string reply;
  std::string_view verdict = told(outcome, defers, defers_reject);
  if (outcome.verdict == Outcome::Verdict::reject) {
    reply = outcome.hang_up ? "" : outcome.reply.line();
  } else if (defers) {
    reply = evaluation.if_permit->reply.line();
  } else if (defers_reject) {
    reply = evaluation.if_reject->reply.line();
  } else if (outcome.verdict == Outcome::Verdict::dunno && evaluation.decision().notes.size() > notes) {
    verdict = evaluation.decision().notes.back().action;
    reply = evaluation.decision().notes.back().text;
  }
  evaluation.observer->judged(item.text, verdict, reply);
  return outcome;
}

}  // namespace

std::string_view name_of(Outcome::Verdict verdict) {
  switch (verdict) {
    case Outcome::Verdict::dunno:
      return "dunno";
    case Outcome::Verdict::permit:
      return "permit";
    case Outcome::Verdict::reject:
      return "reject";
  }
  return "dunno";
}

bool List::has_changed() const {
  return std::ranges::any_of(items,
                             [](const Item& item) { return item.restriction && item.restriction->has_changed(); });
}

Outcome ask(Evaluation& evaluation, const List& list) {
  const Entered entered(evaluation);
  if (evaluation.depth > kDeepest) {
    return evaluation.configuration_error(
        fmt::format("SMTPD recursion: too many restriction classes, last \"{}\"", list.name));
  }
  Outcome outcome;
  for (const Item& item : list.items) {
    if (evaluation.discarded()) break;
    if (item.is_warn_if_reject) {
      if (evaluation.warning_only_at == 0) evaluation.warning_only_at = evaluation.depth;
      continue;
    }
    outcome = ask_item(evaluation, list, item);
    if (evaluation.warning_only_at >= evaluation.depth) evaluation.warning_only_at = 0;
    if (outcome.verdict != Outcome::Verdict::dunno) break;
    // Whatever comes, the mail is deferred.
    if (evaluation.if_permit && evaluation.if_reject) break;
  }
  return outcome;
}

}  // namespace restrictions
