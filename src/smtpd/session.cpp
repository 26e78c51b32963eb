#include "smtpd/session.h"

#include <fmt/format.h>

#include "base/text.h"
#include "io/wait.h"
#include "logging/log.h"
#include "mail/address.h"
#include "mail/header.h"
#include "smtpd/content.h"
#include "smtpd/log.h"
#include "smtpd/parameters.h"
#include "smtpd/peer.h"
#include "smtpd/settings.h"
#include "smtpd/shared.h"
#include "smtpd/trust.h"
#include "smtpd/wording.h"
#include "smtpd/wrapper.h"
#include "table/fold.h"

namespace smtpd {

using restrictions::Stage;

namespace {

// How much of an endless line is thrown away before the session ends.
constexpr std::size_t kMostDiscarded = 64 * 1024;
// For the name of a client, beside the resolver's own time-outs.
constexpr auto kNameTime = std::chrono::seconds(60);
// For the last words to a client that was too slow to say anything.
constexpr auto kLastWords = std::chrono::seconds(5);

class Conversation {
 public:
  explicit Conversation(Session& session) : session_(session) {}
  void run(bool is_known);

 private:
  // A line as it came.
  struct Input {
    std::string text;
    bool crlf = true;
  };

  Next greet();
  Next one_command();
  std::optional<Input> next_line();
  Next take_endless_line();
  Next take_line(Input input);
  Next obey(const CommandLine& line);
  Next execute(const Command& command, const CommandLine& line);
  Next error(Reply reply);
  Next bare_newline();
  std::optional<Next> out_of_step();
  Next too_many_errors();
  Reply local_trouble(std::string_view what) const;
  void hurry_away(const io::StreamError& error);
  const Settings& settings() const { return session_.settings(); }

  Session& session_;
  bool after_auth_ = false;  // what comes may be the secret of a client that did not wait for the answer
};

void Conversation::run(bool is_known) {
  try {
    session_.start_request();
    Next next = is_known ? greet() : session_.reply(local_trouble("Server local error"));
    while (next == Next::go_on) next = one_command();
    session_.start_request();
    session_.stream.flush();
  } catch (const io::StreamError& error) {
    hurry_away(error);
  }
}

Next Conversation::greet() {
  // In wrapper mode the client speaks first: its handshake follows when its counts are known.
  if (!settings().tls_wrapper) {
    if (const auto ended = out_of_step()) return *ended;
  }
  const Next next = session_.begin_anew();
  if (session_.erred) ++session_.counters.errors;
  return next;
}

Next Conversation::one_command() {
  if (session_.counters.errors >= settings().hard_error_limit) return too_many_errors();
  session_.start_request();
  auto line = next_line();
  if (!line) return take_endless_line();
  return take_line(std::move(*line));
}

// Nothing: it is longer than any command.
std::optional<Conversation::Input> Conversation::next_line() {
  try {
    const auto line = session_.stream.view_line(settings().line_length_limit - 1);
    return Input{std::string(line.text), line.crlf};
  } catch (const io::StreamError& error) {
    if (error.kind() != io::StreamError::Kind::too_long) throw;
    return std::nullopt;
  }
}

// Its begin is the command.
Next Conversation::take_endless_line() {
  io::Stream& stream = session_.stream;
  logging::warning("smtpd.long_request", "{client}: request longer than {limit}: {start}...",
                   {{"client", session_.client_label()},
                    {"limit", settings().line_length_limit},
                    {"start", base::printable(without_secrets(stream.buffered().substr(0, 30)))}});
  Input input{std::string(stream.buffered().substr(0, settings().line_length_limit))};
  const bool ended = session_.skip_line();
  const Next next = take_line(std::move(input));
  return ended ? next : Next::close;
}

Next Conversation::take_line(Input input) {
  if (!input.crlf && settings().bare_newline != BareNewline::no && !session_.is_excused_for_bare_newlines()) {
    if (settings().bare_newline == BareNewline::reject) {
      session_.transcript.heard(CommandLine(input.text), input.text);
      return bare_newline();
    }
    if (settings().bare_newline == BareNewline::note) session_.notes = "bare_lf";
  }
  auto text = command_to_take(session_, input.text);
  if (!text) return session_.reject(local_trouble("Server local data error"));
  input.text = std::move(*text);
  const auto hear = [this](const CommandLine& line) { session_.transcript.heard(line, line.text); };
  if (settings().smtputf8 && !base::is_ascii(input.text) && !base::is_valid_utf8(input.text)) {
    hear(CommandLine(std::move(input.text)));
    return error({.code = 500, .status = "5.5.2", .text = "Error: bad UTF-8 syntax"});
  }
  // Nothing that follows a NUL byte means anything.
  input.text.resize(std::min(input.text.find('\0'), input.text.size()));
  const CommandLine line(std::move(input.text));
  hear(line);
  if (line.verb.empty()) return error({.code = 500, .status = "5.5.2", .text = "Error: bad syntax"});
  return obey(line);
}

Next Conversation::error(Reply reply) {
  const Next next = session_.reply(std::move(reply));
  ++session_.counters.errors;
  return next;
}

Next Conversation::bare_newline() {
  log_refusal(session_, "bare <LF> received");
  return session_.reply({.code = settings().bare_newline_code,
                         .status = "5.5.2",
                         .text = settings().myhostname + " Error: bare <LF> received",
                         .disconnect = true});
}

Next Conversation::obey(const CommandLine& line) {
  const auto noop = settings().noop_commands.has_string(line.verb);
  if (noop && *noop) {
    if (session_.counters.junk++ > settings().junk_command_limit) ++session_.counters.errors;
    return session_.reply(250, "2.0.0", "Ok");
  }
  return execute(command_named(line.verb), line);
}

Next Conversation::execute(const Command& command, const CommandLine& line) {
  Counters& counters = session_.counters;
  const auto place = static_cast<std::size_t>(&command - commands().data());
  Counters::OfCommand& count = counters.commands[place];
  ++count.total;
  // To a client that has been refused, every known command is the same.
  const bool must_start_tls = session_.must_start_tls() && !command.before_tls;
  const bool is_idle_talk = (session_.denied && command.run != &quit && command.run != &unknown) || must_start_tls;
  if ((!session_.denied && !must_start_tls) || command.run == &unknown)
    session_.where = command.verb.empty() ? "UNKNOWN" : command.verb;
  session_.recipient.reset();
  session_.erred = false;
  if (command.run == &auth || !command.verb.empty()) after_auth_ = command.run == &auth;
  if (!is_idle_talk && (command.ends_group || (session_.protocol != "ESMTP" && command.run != &unknown))) {
    if (const auto ended = out_of_step()) return *ended;
  }

  Next next = Next::go_on;
  const bool is_never_said = command.run == &unknown && session_.denied && is_forbidden(session_, line);
  if (session_.denied && command.run != &quit && !is_never_said) {
    next = session_.reply({.code = 503,
                           .status = "5.7.0",
                           .text = "Error: access denied for " + session_.client_label(),
                           .fault = Fault::policy});
  } else if (must_start_tls) {
    next = session_.reply(530, "5.7.0", "Must issue a STARTTLS command first");
  } else {
    next = command.run(session_, line);
  }
  const bool begins_anew = command.run == &helo || command.run == &ehlo || command.run == &rset;
  if (begins_anew || session_.where == kAfterMessage) session_.transcript.begin_anew(session_);
  session_.recipient.reset();
  // After XCLIENT another client's count begins: it belongs to neither.
  if (!session_.erred && command.run != &xclient) ++count.ok;
  if (session_.erred) ++counters.errors;
  if (command.junk && counters.junk++ > settings().junk_command_limit) ++counters.errors;
  return next;
}

// Nothing: the client waited where it had to, or nobody minds.
std::optional<Next> Conversation::out_of_step() {
  // Who pipes a whole dialogue into sendmail -bs waits for nothing.
  if (session_.has_pipelined || session_.shared.parts().stand_alone || !session_.talks_ahead()) return std::nullopt;
  session_.has_pipelined = true;
  if (session_.stream.buffered().empty()) (void)session_.stream.at_end();  // it is there: what it is, for the log
  const std::string_view waiting = session_.stream.buffered();
  log_pipelining(session_, session_.where, after_auth_ ? std::string(kNotShown) : without_secrets(waiting));
  if (!settings().forbid_pipelining) return std::nullopt;
  session_.erred = true;
  return session_.reply({.code = 554,
                         .status = "5.5.0",
                         .text = "Error: SMTP protocol synchronization",
                         .disconnect = true,
                         .fault = Fault::none});
}

Reply Conversation::local_trouble(std::string_view what) const {
  return {.code = 421,
          .status = "4.3.0",
          .text = fmt::format("{} {}", settings().myhostname, what),
          .disconnect = true,
          .fault = Fault::data};
}

Next Conversation::too_many_errors() {
  log_abnormal_end(session_, "too many errors");
  session_.transcript.end("too many errors");
  return session_.reply(
      {.code = 421, .status = "4.7.0", .text = settings().myhostname + " Error: too many errors", .disconnect = true});
}

void Conversation::hurry_away(const io::StreamError& error) {
  const bool late = error.kind() == io::StreamError::Kind::timed_out;
  log_abnormal_end(session_, late ? "timeout" : "lost connection");
  session_.transcript.end(late ? "timeout" : "lost connection");
  if (!late) return;
  try {
    session_.stream.set_deadline(io::Deadline::after(kLastWords));
    session_.stream.write(
        on_the_wire({.code = 421, .status = "4.4.2", .text = settings().myhostname + " Error: timeout exceeded"}));
    session_.stream.flush();
  } catch (const io::StreamError&) {
    // It takes nothing, either.
  }
}

}  // namespace

Session::Session(Shared& with_shared, io::Stream with_stream, restrictions::Client who)
    : shared(with_shared),
      stream(std::move(with_stream)),
      client(std::move(who)),
      transcript(!shared.parts().stand_alone && settings().notices.wanted.any()) {
  client.shows_port = settings().port_logging;
}

void Session::run() {
  struct AtEnd {
    Session& session;
    ~AtEnd() {
      // Without memory the session ends all the same; the process is that of many others.
      try {
        session.reset_transaction();
      } catch (const std::exception&) {
      }
      limits::at_disconnect(session);
      try {
        log_disconnect(session);
      } catch (const std::exception&) {
      }
    }
  };
  where = "CONNECT";
  const bool is_known = take_proxy_header(*this);
  if (settings().peername_lookup && shared.parts().resolver != nullptr && !shared.parts().stand_alone)
    look_up_name(client, *shared.parts().resolver, io::Deadline::after(kNameTime));
  log_connect(*this);
  const AtEnd at_end{*this};
  Conversation(*this).run(is_known);
  reset_transaction();
  transcript.finish(*this);
}

Next Session::begin_anew() {
  denied = false;
  decide_keywords();
  auto refusal = limits::at_connect(*this);
  if (begin_wrapped(*this) == Next::close) return Next::close;
  if (refusal) {
    (void)reply(std::move(*refusal));
    return Next::close;
  }
  limits::account_known(*this);
  if (const restrictions::Rules* rules = shared.rules()) {
    const Stage stage = where == "XCLIENT" ? Stage::xclient : Stage::connect;
    if (const auto next = refused(rules->at_connect(subject(stage)), stage)) {
      denied = true;
      return *next;
    }
  }
  return reply(220, "", settings().banner);
}

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

bool Session::skip_line() {
  bool ended = false;
  for (std::size_t skipped = 0; !ended && skipped < kMostDiscarded;) {
    if (stream.at_end()) throw io::StreamError(io::StreamError::Kind::closed, "the connection was closed");
    const std::size_t newline = stream.buffered().find('\n');
    ended = newline != std::string_view::npos;
    const std::size_t size = ended ? newline + 1 : stream.buffered().size();
    stream.consume(size);
    skipped += size;
  }
  return ended;
}

bool Session::talks_ahead() {
  return stream.input_waiting();
}

// Looked up anew for each EHLO: the client may be told to be another by then.
void Session::decide_keywords() {
  discarded = settings().discarded;
  const table::TableList& maps = settings().discard_maps;
  if (maps.empty()) return;
  const auto found = maps.lookup(client.address);
  if (!found) {
    logging::warning("smtpd.keyword_table", "{error}", {{"error", found.error().text}});
  } else if (*found) {
    discarded = parse_keywords(**found);
  }
}

bool Session::owes_hello() const {
  return helo.empty() && settings().helo_required;
}

bool Session::must_start_tls() const {
  return settings().tls_level == tls::Level::encrypt && !tls.active;
}

bool Session::offers_tls() const {
  return shared.parts().tls != nullptr;  // when it is not available, STARTTLS says so
}

bool Session::is_valid_address(const std::string& address, bool utf8) const {
  // Postfix folds first, and then some letters are ASCII: those of a ligature, a sharp s.
  if (!utf8 && !base::is_ascii(table::fold_key(mail::split(address).domain, settings().smtputf8))) return false;
  const bool asked = shared.parts().router != nullptr && !shared.parts().stand_alone;
  if (address.empty() || is_plain_address(address) || !asked) return true;
  const auto route = shared.parts().router->resolve("", address);
  // What a table says later is the restrictions' business.
  return !route || !route->bad_address;
}

bool Session::is_excused_for_bare_newlines() {
  if (!excused_) excused_ = settings().bare_newline_exclusions.has(client);
  return *excused_;
}

void Session::forget_hello() {
  after_hello.reset();
  helo.clear();
  excused_.reset();
  reset_transaction();
}

Next Session::reply(int code, std::string_view status, std::string_view text) {
  return reply(Reply{.code = code, .status = std::string(status), .text = std::string(text)});
}

Next Session::reply(Reply said) {
  const Settings& now = settings();
  if (now.soft_bounce) said = softened(std::move(said));
  said = filtered(*this, std::move(said));
  if (said.is_error()) transcript.add(said.fault);
  if (said.is_error() && !said.forgiven) erred = true;
  if (counters.errors >= now.soft_error_limit && now.error_sleep.count() > 0) {
    start_request();
    stream.flush();
    io::sleep_until(io::Deadline::after(now.error_sleep));
    start_request();
  }
  last_code = said.code;
  said = with_footer(*this, std::move(said));
  const std::string text = on_the_wire(said);
  transcript.said(text);
  stream.write(text);
  return said.disconnect || said.code == 421 || said.code == 521 ? Next::close : Next::go_on;
}

}  // namespace smtpd
