// What the restrictions decide, carried out.
#include <algorithm>

#include "config/old_defaults.h"
#include "smtpd/log.h"
#include "smtpd/session.h"
#include "smtpd/settings.h"
#include "smtpd/shared.h"

namespace smtpd {

using restrictions::Decision;
using restrictions::Stage;

namespace {

bool is_connection(Stage stage) {
  return stage == Stage::connect || stage == Stage::xclient;
}
bool is_hello(Stage stage) {
  return stage == Stage::helo || stage == Stage::ehlo;
}

// What holds for the whole message is told once.
bool is_told(const restrictions::Note& note, const restrictions::Effects& so_far) {
  return (note.action == "hold" && so_far.hold) || (note.action == "discard" && so_far.discard);
}

// What is repeated of an address in a refusal is ASCII where nobody expects more.
void blank_out_utf8(std::string& text) {
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, ' ');
}

// The log has it as the client gets it.
void tell(const Session& session, Reply& refusal) {
  if (!session.settings().smtputf8) blank_out_utf8(refusal.text);
  log_refusal(session, (session.settings().soft_bounce ? softened(refusal) : refusal).line());
}

}  // namespace

const restrictions::Rules* Session::rules() const {
  return transaction.effects.discard ? nullptr : shared.rules();
}

restrictions::Subject Session::subject(restrictions::Stage stage) const {
  restrictions::Subject subject{.client = client, .tls = tls, .stage = stage, .protocol = protocol};
  if (!helo.empty()) subject.helo = helo;
  if (transaction.sender) subject.sender = *transaction.sender;
  if (recipient)
    subject.recipient = *recipient;
  else if (transaction.recipients == 1)
    subject.recipient = transaction.first_recipient;
  subject.recipient_count = transaction.recipients;
  subject.size = transaction.content_known ? transaction.actual_size : transaction.announced_size;
  if (transaction.message) subject.queue_id = transaction.message->queue_id();
  subject.instance = transaction.instance;
  subject.etrn_domain = etrn_domain;
  subject.sasl_method = sasl_method;
  subject.sasl_username = sasl_username;
  subject.sasl_sender = transaction.sasl_sender;
  subject.smtputf8 = transaction.smtputf8;
  subject.stress = shared.stressed();
  const bool later = !is_connection(stage) && !is_hello(stage);
  if (later && stage != Stage::mail && transaction.deferral)
    subject.earlier = &*transaction.deferral;
  else if (later && after_hello)
    subject.earlier = &*after_hello;
  else if (!is_connection(stage) && after_connect)
    subject.earlier = &*after_connect;
  subject.discarded = transaction.effects.discard;
  // Which commands may be followed by others in one go is checked as they come (Conversation::out_of_step); before the
  // greeting nothing may be said.
  subject.talks_ahead = [this, stage] {
    return has_pipelined || (is_connection(stage) && const_cast<Session*>(this)->talks_ahead());
  };
  return subject;
}

std::optional<Next> Session::refused(Decision decision, restrictions::Stage stage) {
  for (restrictions::Note& note : decision.notes) {
    if (note.action == restrictions::kOldDefault) {
      config::log_old_default(note.text);
      continue;
    }
    if (note.action == "reject_warning") {
      transcript.add(Fault::policy);
      if (!settings().smtputf8) blank_out_utf8(note.text);
    }
    if (!is_told(note, transaction.effects)) log_action(*this, note.action, note.text);
  }
  transaction.effects.add(std::move(decision.effects));
  if (is_connection(stage)) after_connect = decision.if_permit;
  if (is_hello(stage)) after_hello = decision.if_permit;
  if (stage == Stage::mail) transaction.deferral = decision.if_permit;
  switch (decision.kind) {
    case Decision::Kind::accept:
      return std::nullopt;
    case Decision::Kind::hang_up:
      erred = true;
      return Next::close;
    case Decision::Kind::refuse:
      break;
  }
  Reply refusal{.code = decision.reply.code,
                .status = decision.reply.status,
                .text = decision.reply.text,
                .disconnect = decision.disconnect,
                .fault = fault_of(decision.trouble)};
  tell(*this, refusal);
  if (decision.old_order) log_old_order(*this);
  return reply(std::move(refusal));
}

Next Session::reject(Reply refusal) {
  tell(*this, refusal);
  return reply(std::move(refusal));
}

}  // namespace smtpd
