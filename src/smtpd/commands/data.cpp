// DATA, and lines up to a dot
#include "smtpd/content.h"
#include "smtpd/end_of_message.h"
#include "smtpd/envelope.h"
#include "smtpd/pace.h"
#include "smtpd/session.h"
#include "smtpd/settings.h"

namespace smtpd {

namespace {

void receive(Session& session) {
  Content& content = *session.transaction.content;
  Pace pace(session);
  while (!content.ended()) {
    if (session.stream.at_end()) throw io::StreamError(io::StreamError::Kind::closed, "the connection was closed");
    const std::size_t taken = content.take_data(session.stream.buffered());
    session.stream.consume(taken);
    pace.received(taken);
  }
}

}  // namespace

Next data(Session& session, const CommandLine& line) {
  Transaction& transaction = session.transaction;
  if (transaction.bdat != Transaction::Bdat::none) return session.reply(503, "5.5.1", "Error: DATA after BDAT");
  if (transaction.recipients == 0)
    return transaction.active()
               ? session.reply(
                     {.code = 554, .status = "5.5.1", .text = "Error: no valid recipients", .fault = Fault::none})
               : session.reply(503, "5.5.1", "Error: need RCPT command");
  if (!line.words.empty()) return session.reply(501, "5.5.4", "Syntax: DATA");
  if (const auto refused = refused_content(session)) return *refused;
  begin_content(session);
  (void)session.reply(354, "", "End data with <CR><LF>.<CR><LF>");
  receive(session);
  return end_of_message(session);
}

}  // namespace smtpd
