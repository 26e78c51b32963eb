// permit, reject, defer, defer_if_*, sleep, reject_unauth_pipelining, reject_plaintext_session,
// reject_multi_recipient_bounce.

#include <fmt/format.h>

#include "base/text.h"
#include "config/param.h"
#include "io/wait.h"
#include "restrictions/restriction.h"

namespace restrictions {

namespace {

namespace param = config::param;

Outcome permit(Evaluation& evaluation) {
  return evaluation.permit("permit");
}

Outcome reject(Evaluation& evaluation) {
  return evaluation.reject(evaluation.environment.reject_code, "5.7.1", evaluation.target, "Access denied");
}

Outcome defer(Evaluation& evaluation) {
  return evaluation.reject(evaluation.environment.defer_code, "4.3.2", evaluation.target, "Try again later");
}

Outcome defer_if_permit(Evaluation& evaluation) {
  return evaluation.defer_if_permit(
      Trouble::policy, 450, "4.7.0",
      fmt::format("<{}>: {} rejected: defer_if_permit requested", evaluation.target.name, evaluation.target.kind));
}

Outcome defer_if_reject(Evaluation& evaluation) {
  return evaluation.defer_if_reject(
      Trouble::policy, 450, "4.7.0",
      fmt::format("<{}>: {} rejected: defer_if_reject requested", evaluation.target.name, evaluation.target.kind));
}

class Sleep : public Restriction {
 public:
  explicit Sleep(std::chrono::seconds time) : time_(time) {}
  Outcome ask(Evaluation& evaluation) const override {
    if (evaluation.environment.sleeps) io::sleep_until(io::Deadline::after(time_));
    return dunno();
  }

 private:
  std::chrono::seconds time_;
};

std::unique_ptr<Restriction> make_sleep(const Environment&, std::string_view argument) {
  constexpr unsigned long kLongest = 24UL * 3600;
  const auto seconds = base::to_unsigned(argument);
  if (!seconds) throw Mistake("must be followed by number");
  return std::make_unique<Sleep>(std::chrono::seconds(std::min(*seconds, kLongest)));
}

Outcome reject_unauth_pipelining(Evaluation& evaluation) {
  if (!evaluation.subject.talks_ahead || !evaluation.subject.talks_ahead()) return dunno();
  return evaluation.reject(503, "5.5.0", evaluation.target, "Improper use of SMTP command pipelining");
}

Outcome reject_plaintext_session(Evaluation& evaluation) {
  if (evaluation.subject.tls.active) return dunno();
  return evaluation.reject(Trouble::policy, evaluation.environment.plaintext_reject_code, "5.7.1",
                           "Session encryption is required");
}

Outcome reject_multi_recipient_bounce(Evaluation& evaluation) {
  const Subject& subject = evaluation.subject;
  // At RCPT there is one more than have been accepted.
  const int most = subject.stage == Stage::rcpt ? 0 : 1;
  if (!subject.sender || !subject.sender->empty() || subject.recipient_count <= most) return dunno();
  return evaluation.reject(evaluation.environment.multi_recipient_bounce_reject_code, "5.5.3", evaluation.target,
                           "Multi-recipient bounce");
}

}  // namespace

std::span<const Name> generic_names() {
  static constexpr Name kNames[] = {
      {"permit", Argument::none, make_plain<permit>},
      {"reject", Argument::none, make_plain<reject>},
      {"defer", Argument::none, make_plain<defer>},
      {"defer_if_permit", Argument::none, make_plain<defer_if_permit>},
      {"defer_if_reject", Argument::none, make_plain<defer_if_reject>},
      {"sleep", Argument::word, make_sleep},
      {"reject_unauth_pipelining", Argument::none, make_plain<reject_unauth_pipelining>},
      {"reject_plaintext_session", Argument::none, make_plain<reject_plaintext_session>},
      {"reject_multi_recipient_bounce", Argument::none, make_plain<reject_multi_recipient_bounce>},
  };
  return kNames;
}

}  // namespace restrictions
