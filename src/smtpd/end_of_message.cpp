#include "smtpd/end_of_message.h"

#include <fmt/format.h>

#include "base/text.h"
#include "logging/log.h"
#include "mail/text.h"
#include "smtpd/content.h"
#include "smtpd/envelope.h"
#include "smtpd/log.h"
#include "smtpd/settings.h"
#include "smtpd/shared.h"

namespace smtpd {

namespace status = client::cleanup_status;
using restrictions::Stage;

namespace {

// Forgets the message when the command is over: whatever was said, none is under way any more.
class Ending {
 public:
  explicit Ending(Session& session) : session_(session) {}
  ~Ending() { session_.reset_transaction(); }
  Ending(const Ending&) = delete;
  Ending& operator=(const Ending&) = delete;

 private:
  Session& session_;
};

Next refuse_bare_newlines(Session& session) {
  log_refusal(session, "bare <LF> received");
  const int code = session.settings().bare_newline_code;
  return session.reply({.code = code,
                        .status = "5.5.2",
                        .text = session.settings().myhostname + " Error: bare <LF> received",
                        .disconnect = code == 521});
}

client::CleanupResult finish(Session& session) {
  Transaction& transaction = session.transaction;
  if (transaction.content->failed()) return {status::kWrite, {}};
  try {
    end_content(session);
    return transaction.message->finish();
  } catch (const io::StreamError& error) {
    logging::warning("smtpd.cleanup", "{id}: {error}", {{"id", session.id()}, {"error", error.what()}});
    return {status::kWrite, {}};
  }
}

Fault fault_of(int result) {
  if ((result & (status::kSize | status::kHops)) != 0) return Fault::bounce;
  if ((result & status::kContent) != 0) return Fault::policy;
  return (result & status::kWrite) != 0 ? Fault::resource : Fault::software;
}

// What cleanup says by itself: "550 5.7.1 text", a code and a text, or a text.
Reply reply_of(const client::CleanupResult& result) {
  const auto meaning = status::meaning_of(result.status);
  Reply reply{.code = meaning.smtp_code,
              .status = std::string(meaning.enhanced_code),
              .text = {},
              .fault = fault_of(result.status)};
  const int refusals = status::kContent | status::kDefer;
  if ((result.status & refusals) != 0 && !result.reason.empty()) {
    const std::string_view reason = result.reason;
    const std::string_view first = reason.substr(0, reason.find(' '));
    const bool has_status = mail::is_status_code(first) && !first.starts_with('2');
    if (has_status) reply.status = first;
    reply.text = base::trim(has_status ? reason.substr(first.size()) : reason);
    if (reply.status.starts_with('4')) reply.code = 451;
    return reply;
  }
  const bool is_ours = (result.status & refusals) != 0;
  reply.text = is_ours ? std::string(meaning.text) : fmt::format("Error: {}", meaning.text);
  return reply;
}

}  // namespace

std::optional<Next> refused_content(Session& session) {
  const restrictions::Rules* rules = session.rules();
  if (rules == nullptr) return std::nullopt;
  return session.refused(rules->at_data(session.subject(Stage::data)), Stage::data);
}

std::optional<Next> refused_bare_newlines(Session& session) {
  if (session.settings().bare_newline != BareNewline::reject || !session.transaction.content->has_bare_newline() ||
      session.is_excused_for_bare_newlines())
    return std::nullopt;
  return refuse_bare_newlines(session);
}

Next end_of_message(Session& session) {
  const Ending ending(session);
  const bool by_chunks = session.transaction.bdat != Transaction::Bdat::none;
  Transaction& transaction = session.transaction;
  const Content& content = *transaction.content;
  session.where = kAfterMessage;
  transaction.actual_size = static_cast<long>(content.size());
  transaction.content_known = true;

  if (const auto refused = refused_bare_newlines(session)) return *refused;
  if (content.has_bare_newline() && session.settings().bare_newline == BareNewline::note &&
      !session.is_excused_for_bare_newlines())
    session.notes = "bare_lf";
  if (content.too_large()) {
    logging::warning("smtpd.size", "{id}: queue file size limit exceeded", {{"id", session.id()}});
    return session.reply(
        {.code = 552, .status = "5.3.4", .text = "Error: message file too big", .fault = Fault::bounce});
  }
  if (const restrictions::Rules* rules = session.rules()) {
    if (const auto refused =
            session.refused(rules->at_end_of_data(session.subject(Stage::end_of_message)), Stage::end_of_message))
      return *refused;
  }
  session.start_request();
  const client::CleanupResult result = finish(session);
  if (result.status != status::kOk) return session.reply(reply_of(result));
  // From here on the mail is ours.
  session.counters.errors = 0;
  session.counters.junk = 0;
  session.transcript.forgive();
  return session.reply(250, "2.0.0",
                       by_chunks ? fmt::format("Ok: {} bytes queued as {}", transaction.actual_size, session.id())
                                 : fmt::format("Ok: queued as {}", session.id()));
}

}  // namespace smtpd
