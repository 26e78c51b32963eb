#include "smtpd/session.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "io/wait.h"
#include "logging/log.h"
#include "smtpd/log.h"
#include "smtpd/settings.h"
#include "smtpd/shared.h"
#include "smtpd/trust.h"
#include "smtpd/wording.h"

namespace smtpd {

Session::Session(Shared& with_shared, io::Stream with_stream, restrictions::Client who)
    : shared(with_shared), stream(std::move(with_stream)), client(std::move(who)) {}

const Settings& Session::settings() const {
  return shared.settings();
}

void Session::start_request() {
  stream.set_deadline(io::Deadline::after(settings().timeout));
}

io::Stream::LineView Session::read_line(std::size_t most) {
  if (!settings().per_request_deadline) start_request();
  return stream.view_line(most);
}

bool Session::talks_ahead() {
  return stream.input_waiting();
}

void Session::forget_hello() {
  helo.clear();
  protocol.clear();
  reset_transaction();
}

// --- replies

Next Session::reply(int code, std::string_view status, std::string_view text) {
  return reply(Reply{.code = code, .status = std::string(status), .text = std::string(text)});
}

Next Session::reply(Reply said) {
  const Settings& now = settings();
  if (now.soft_bounce) said = softened(std::move(said));
  said = filtered(*this, std::move(said));
  if (said.is_error()) ++counters.errors;
  if (counters.errors >= now.soft_error_limit && now.error_sleep.count() > 0) {
    stream.flush();
    io::sleep_until(io::Deadline::after(now.error_sleep));
  }
  last_code = said.code;
  said = with_footer(*this, std::move(said));
  stream.write(on_the_wire(said));
  return said.disconnect || said.code == 421 || said.code == 521 ? Next::close : Next::go_on;
}

// --- decisions

restrictions::Subject Session::subject(restrictions::Stage stage) const {
  restrictions::Subject subject{.client = client, .tls = tls, .stage = stage, .protocol = protocol};
  if (!helo.empty()) subject.helo = helo;
  if (transaction.sender) subject.sender = *transaction.sender;
  if (recipient)
    subject.recipient = *recipient;
  else if (transaction.recipients == 1)
    subject.recipient = transaction.only_recipient;
  subject.recipient_count = transaction.recipients;
  subject.size = transaction.actual_size > 0 ? transaction.actual_size : transaction.announced_size;
  if (transaction.message) subject.queue_id = transaction.message->queue_id();
  subject.instance = transaction.instance;
  subject.etrn_domain = etrn_domain;
  subject.sasl_method = sasl_method;
  subject.sasl_username = sasl_username;
  subject.sasl_sender = transaction.sasl_sender;
  subject.smtputf8 = transaction.smtputf8;
  subject.stress = shared.stressed();
  return subject;
}

std::optional<Next> Session::refused(const restrictions::Decision& decision, restrictions::Stage stage) {
  for (const restrictions::Note& note : decision.notes) log_action(*this, note.action, stage, note.text);
  transaction.effects.add(decision.effects);
  if (decision.kind == restrictions::Decision::Kind::accept) return std::nullopt;
  if (decision.kind == restrictions::Decision::Kind::hang_up) {
    log_action(*this, "hangup", stage, decision.reply.line());
    return Next::close;
  }
  return reject(stage, Reply{.code = decision.reply.code,
                             .status = decision.reply.status,
                             .text = decision.reply.text,
                             .disconnect = decision.disconnect});
}

Next Session::reject(restrictions::Stage stage, Reply refusal) {
  const Reply logged = settings().soft_bounce ? softened(refusal) : refusal;
  log_action(*this, "reject", stage, logged.line());
  return reply(std::move(refusal));
}

// --- the conversation

Next Session::begin_anew() {
  if (auto refusal = limits::at_connect(*this)) {
    reply(std::move(*refusal));
    return Next::close;
  }
  limits::account_known(*this);
  if (const restrictions::Rules* const rules = shared.rules()) {
    if (const auto next =
            refused(rules->at_connect(subject(restrictions::Stage::connect)), restrictions::Stage::connect)) {
      return *next;
    }
  }
  return reply(220, "", settings().banner);
}

namespace {

class Conversation {
 public:
  explicit Conversation(Session& session) : session_(session) {}

  void run(bool is_known) {
    try {
      if (!is_known) {
        session_.start_request();
        session_.reply(local_trouble("Server local error"));
        return session_.stream.flush();
      }
      session_.where = "CONNECT";
      session_.start_request();
      if (session_.begin_anew() == Next::close) return session_.stream.flush();
      while (one_command() == Next::go_on) {
      }
      session_.start_request();
      session_.stream.flush();
    } catch (const io::StreamError& error) {
      end_of_stream(error);
    }
  }

 private:
  Next one_command();
  Next too_many_errors();
  Reply local_trouble(std::string_view what) const;
  void end_of_stream(const io::StreamError& error);

  Session& session_;
};

Reply Conversation::local_trouble(std::string_view what) const {
  return {.code = 421, .status = "4.3.0", .text = fmt::format("{} {}", session_.settings().myhostname, what)};
}

Next Conversation::too_many_errors() {
  log_abnormal_end(session_, "too many errors", session_.where);
  return session_.reply(421, "4.7.0", session_.settings().myhostname + " Error: too many errors");
}

Next Conversation::one_command() {
  const Settings& settings = session_.settings();
  if (session_.counters.errors >= settings.hard_error_limit) return too_many_errors();
  session_.start_request();
  auto text = command_to_take(session_, session_.stream.view_line(settings.line_length_limit).text);
  if (!text) return session_.reject(restrictions::Stage::connect, local_trouble("Server local data error"));
  const CommandLine line{std::move(*text)};
  const Command& command = command_named(line.verb);
  session_.where = command.verb.empty() ? "UNKNOWN" : command.verb;
  session_.last_code = 0;
  const Next next = command.run(session_, line);
  const auto place = static_cast<std::size_t>(&command - commands().data());
  Counters::OfCommand& count = session_.counters.commands[place];
  ++count.total;
  if (session_.last_code < 400) ++count.ok;
  return next;
}

void Conversation::end_of_stream(const io::StreamError& error) {
  const bool late = error.kind() == io::StreamError::Kind::timed_out;
  log_abnormal_end(session_, late ? "timeout" : "lost connection", session_.where);
  if (!late) return;
  try {
    session_.stream.set_deadline(io::Deadline::after(std::chrono::seconds(5)));
    session_.stream.write(on_the_wire(
        {.code = 421, .status = "4.4.2", .text = session_.settings().myhostname + " Error: timeout exceeded"}));
    session_.stream.flush();
  } catch (const io::StreamError&) {
    // It is gone, too.
  }
}

}  // namespace

void Session::run() {
  struct AtEnd {
    Session& session;
    ~AtEnd() {
      session.reset_transaction();
      limits::at_disconnect(session);
      log_disconnect(session);
    }
  };
  const bool is_known = take_proxy_header(*this);
  log_connect(*this);
  const AtEnd at_end{*this};
  Conversation(*this).run(is_known);
}

}  // namespace smtpd
