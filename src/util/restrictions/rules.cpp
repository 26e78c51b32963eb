#include "restrictions/rules.h"

#include <fmt/format.h>

#include "config/old_defaults.h"
#include "config/param.h"
#include "logging/log.h"
#include "restrictions/list.h"
#include "restrictions/parser.h"
#include "restrictions/unlisted.h"

namespace restrictions {

namespace {

namespace param = config::param;

// The lists of main.cf, and what is said when none of the two that guard relaying does.
struct Lists {
  Lists(const Environment& environment, Parser& parser)
      : client(read(environment, parser, param::smtpd_client_restrictions, "smtpd_client_restrictions",
                    "check_client_access")),
        helo(read(environment, parser, param::smtpd_helo_restrictions, "smtpd_helo_restrictions", "check_helo_access")),
        sender(read(environment, parser, param::smtpd_sender_restrictions, "smtpd_sender_restrictions",
                    "check_sender_access")),
        relay(read(environment, parser, param::smtpd_relay_restrictions, "smtpd_relay_restrictions",
                   "check_recipient_access")),
        recipient(read(environment, parser, param::smtpd_recipient_restrictions, "smtpd_recipient_restrictions",
                       "check_recipient_access")),
        data(read(environment, parser, param::smtpd_data_restrictions, "smtpd_data_restrictions", "")),
        end_of_data(
            read(environment, parser, param::smtpd_end_of_data_restrictions, "smtpd_end_of_data_restrictions", "")),
        etrn(read(environment, parser, param::smtpd_etrn_restrictions, "smtpd_etrn_restrictions", "check_etrn_access")),
        newer_relay(config::has_old_default(environment.config, "smtpd_relay_restrictions", "1")
                        ? parser.parse("smtpd_relay_restrictions",
                                       "permit_mynetworks, permit_sasl_authenticated, permit_auth_destination",
                                       "check_recipient_access")
                        : List{}),
        local_header_clients(parser.parse_local_header_clients(
            "local_header_rewrite_clients", environment.config[param::local_header_rewrite_clients])) {
    const config::Config& config = environment.config;
    if (!refuses_by_default(config, config[param::smtpd_relay_restrictions]) &&
        !refuses_by_default(config, config[param::smtpd_recipient_restrictions])) {
      parser.hopeless(
          "in parameter smtpd_relay_restrictions or smtpd_recipient_restrictions, specify at least one working "
          "instance "
          "of: reject_unauth_destination, defer_unauth_destination, reject, defer or defer_if_permit");
    }
  }

  List client, helo, sender, relay, recipient, data, end_of_data, etrn;
  // What smtpd_relay_restrictions would have said, where it is empty by an old default alone; else nothing.
  List newer_relay;
  List local_header_clients;

 private:
  static List read(const Environment& environment, Parser& parser, config::TextKey key, std::string_view name,
                   std::string_view bare) {
    return parser.parse(name, environment.config[key], bare);
  }
};

// One moment of a session.
class Moment {
 public:
  Moment(const Environment& environment, const Subject& subject, Observer* observer)
      : evaluation_(environment, subject, observer) {
    if (subject.earlier != nullptr) evaluation_.if_permit = *subject.earlier;
  }

  Evaluation& evaluation() { return evaluation_; }
  bool refused() const { return outcome_.verdict == Outcome::Verdict::reject; }

  void ask(const List& list, const Target& target) {
    if (refused() || list.items.empty()) return;
    evaluation_.target = target;
    evaluation_.bare = list.bare;
    evaluation_.warning_only_at = 0;
    if (evaluation_.observer != nullptr) evaluation_.observer->entered(list.name, list.origin);
    settle(restrictions::ask(evaluation_, list));
    if (evaluation_.observer != nullptr) evaluation_.observer->left(list.name, name_of(outcome_.verdict));
  }

  // A restriction that stands in no list, by the parameter that asks for it.
  void ask(std::string_view parameter, Outcome (*restriction)(Evaluation&)) {
    if (refused() || evaluation_.discarded()) return;
    if (evaluation_.observer != nullptr) {
      evaluation_.observer->asked(parameter, place_of(evaluation_.environment.config, parameter));
    }
    settle(restriction(evaluation_));
    if (evaluation_.observer != nullptr) {
      evaluation_.observer->judged(parameter, name_of(outcome_.verdict), refused() ? outcome_.reply.line() : "");
    }
  }

  // The recipient was refused where the newer order of the lists may have refused it otherwise.
  void tell_old_order() {
    if (refused()) evaluation_.decision().old_order = true;
  }

  // The newer default of smtpd_relay_restrictions, asked for the log's sake alone.
  void tell_unguarded(const List& newer) {
    if (refused() || newer.items.empty() || evaluation_.observer != nullptr) return;
    evaluation_.target = evaluation_.recipient();
    if (restrictions::ask(evaluation_, newer).verdict != Outcome::Verdict::dunno) return;
    evaluation_.old_default(
        fmt::format("\"smtpd_relay_restrictions = (empty)\" to avoid \"Relay access denied\" error for recipient "
                    "\"{}\" from client \"{}\"",
                    evaluation_.recipient().name, evaluation_.client().name));
  }

  // What the lists of another phase would defer has no say in this one. Those for relaying and for recipients are one
  // phase.
  void begin() { evaluation_.if_reject.reset(); }

  // What could not be told before is nobody's concern any more.
  void forget_deferral() { evaluation_.if_permit.reset(); }

  // Something earlier could not tell: mail that would be accepted now has to come again.
  void apply_deferral() {
    if (refused() || !evaluation_.if_permit) return;
    evaluation_.decision().trouble = evaluation_.if_permit->trouble;
    outcome_ = {Outcome::Verdict::reject, evaluation_.if_permit->reply, false, false};
    if (evaluation_.observer != nullptr) {
      evaluation_.observer->decided("defer_if_permit", "reject", outcome_.reply.line());
    }
  }

  Decision decision() {
    Decision& decision = evaluation_.decision();
    decision.if_permit = std::move(evaluation_.if_permit);
    if (refused()) {
      decision.kind = outcome_.hang_up ? Decision::Kind::hang_up : Decision::Kind::refuse;
      decision.reply = std::move(outcome_.reply);
      decision.disconnect = outcome_.disconnect || outcome_.hang_up;
    }
    return std::move(decision);
  }

 private:
  // A reject that something earlier might have prevented is a deferral.
  void settle(Outcome outcome) {
    outcome_ = std::move(outcome);
    if (!refused() || !evaluation_.if_reject || outcome_.hang_up) return;
    if (outcome_.reply.code >= 500) {
      evaluation_.decision().trouble = evaluation_.if_reject->trouble;
      outcome_.reply = std::move(evaluation_.if_reject->reply);
      outcome_.disconnect = false;
    }
  }

  Evaluation evaluation_;
  Outcome outcome_;
};

}  // namespace

struct Rules::State {
  explicit State(Uses uses) : environment(std::move(uses)), lists(read(environment)) {
    const config::Config& config = environment.config;
    delay_reject = config[param::smtpd_delay_reject];
    relay_first = config[param::smtpd_relay_before_recipient_restrictions];
    old_order = config::has_old_default(config, "smtpd_relay_before_recipient_restrictions", "3.6");
    reject_unlisted_sender = config[param::smtpd_reject_unlisted_sender];
    reject_unlisted_recipient = config[param::smtpd_reject_unlisted_recipient];
  }

  static Lists read(Environment& environment) {
    Parser parser(environment);
    Lists all(environment, parser);
    environment.set_classes(parser.take_classes());
    if (parser.is_hopeless()) {
      std::string mistakes;
      for (const base::Error& mistake : parser.mistakes()) mistakes += (mistakes.empty() ? "" : "; ") + mistake.text;
      throw base::Fatal(mistakes);
    }
    for (const base::Error& mistake : parser.mistakes()) {
      logging::error("restrictions.mistake", "{mistake} (until it is mended, who comes to it gets a 451)",
                     {{"mistake", mistake.text}});
    }
    return all;
  }

  void ask_client(Moment& moment) const {
    moment.begin();
    moment.ask(lists.client, moment.evaluation().client());
  }
  void ask_helo(Moment& moment) const {
    moment.begin();
    if (moment.evaluation().subject.helo) moment.ask(lists.helo, moment.evaluation().helo());
  }
  void ask_sender(Moment& moment) const {
    moment.begin();
    if (!moment.evaluation().subject.sender) return;
    moment.ask(lists.sender, moment.evaluation().sender());
    if (reject_unlisted_sender) moment.ask("smtpd_reject_unlisted_sender", restrictions::reject_unlisted_sender);
  }
  void ask_recipient(Moment& moment) const {
    moment.begin();
    const Target recipient = moment.evaluation().recipient();
    moment.ask(relay_first ? lists.relay : lists.recipient, recipient);
    if (old_order) moment.tell_old_order();
    moment.ask(relay_first ? lists.recipient : lists.relay, recipient);
    moment.tell_unguarded(lists.newer_relay);
  }

  Environment environment;
  Lists lists;
  bool delay_reject = true, relay_first = true, old_order = false, reject_unlisted_sender = false,
       reject_unlisted_recipient = true;
};

Rules::Rules(Uses uses) : state_(std::make_unique<State>(std::move(uses))) {}
Rules::~Rules() = default;

Decision Rules::at_connect(const Subject& subject, Observer* observer) const {
  if (state_->delay_reject) return {};
  Moment moment(state_->environment, subject, observer);
  state_->ask_client(moment);
  return moment.decision();
}

Decision Rules::at_helo(const Subject& subject, Observer* observer) const {
  if (state_->delay_reject) return {};
  Moment moment(state_->environment, subject, observer);
  state_->ask_helo(moment);
  return moment.decision();
}

Decision Rules::at_mail(const Subject& subject, Observer* observer) const {
  if (state_->delay_reject) return {};
  Moment moment(state_->environment, subject, observer);
  state_->ask_sender(moment);
  return moment.decision();
}

Decision Rules::at_rcpt(const Subject& subject, Observer* observer) const {
  if (subject.recipient && state_->environment.is_always_there(*subject.recipient)) return {};
  Moment moment(state_->environment, subject, observer);
  if (state_->delay_reject) {
    state_->ask_client(moment);
    state_->ask_helo(moment);
    state_->ask_sender(moment);
  }
  // VRFY without MAIL: as in Postfix.
  if (!subject.sender) moment.forget_deferral();
  state_->ask_recipient(moment);
  moment.apply_deferral();
  if (state_->reject_unlisted_recipient) {
    moment.ask("smtpd_reject_unlisted_recipient", restrictions::reject_unlisted_recipient);
  }
  return moment.decision();
}

Decision Rules::at_etrn(const Subject& subject, Observer* observer) const {
  Moment moment(state_->environment, subject, observer);
  if (state_->delay_reject) {
    state_->ask_client(moment);
    state_->ask_helo(moment);
  }
  moment.begin();
  moment.ask(state_->lists.etrn, {subject.etrn_domain, kind::etrn});
  moment.apply_deferral();
  return moment.decision();
}

Decision Rules::at_data(const Subject& subject, Observer* observer) const {
  Moment moment(state_->environment, subject, observer);
  moment.forget_deferral();  // recipients have been accepted in spite of it, postmaster for one
  moment.ask(state_->lists.data, {"DATA", kind::data});
  moment.apply_deferral();
  return moment.decision();
}

Decision Rules::at_end_of_data(const Subject& subject, Observer* observer) const {
  Moment moment(state_->environment, subject, observer);
  moment.forget_deferral();
  moment.ask(state_->lists.end_of_data, {"END-OF-MESSAGE", kind::end_of_data});
  moment.apply_deferral();
  return moment.decision();
}

bool Rules::is_local_header_client(const Subject& subject) const {
  Evaluation evaluation(state_->environment, subject, nullptr);
  evaluation.target = evaluation.client();
  const bool permitted = ask(evaluation, state_->lists.local_header_clients).verdict == Outcome::Verdict::permit;
  for (const Note& note : evaluation.decision().notes) {
    if (note.action == kOldDefault) config::log_old_default(note.text);
  }
  return permitted;
}

bool Rules::has_changed() const {
  return state_->environment.has_changed();
}

std::vector<base::Error> check(const config::Config& config, std::vector<std::string>* remarks) {
  std::vector<base::Error> mistakes;
  try {
    const routing::Router router(config);
    dns::Resolver resolver(dns::Resolver::Options::from(config));
    Environment environment({config, router, resolver, "smtp"});
    Parser parser(environment);
    const Lists lists(environment, parser);
    mistakes = parser.mistakes();
    if (remarks != nullptr) *remarks = parser.remarks();
  } catch (const base::Fatal& bad) {
    mistakes.push_back({bad.what()});
  }
  return mistakes;
}

}  // namespace restrictions
