// DATA
#include "smtpd/content.h"
#include "smtpd/end_of_message.h"
#include "smtpd/envelope.h"
#include "smtpd/session.h"
#include "smtpd/settings.h"

namespace smtpd {

Next data(Session& session, const CommandLine& line) {
  Transaction& transaction = session.transaction;
  if (!line.words.empty()) return session.reply(501, "5.5.4", "Syntax: DATA");
  if (transaction.recipients == 0) return session.reply(503, "5.5.1", "Error: need RCPT command");
  try {
    begin_content(session);
  } catch (const io::StreamError&) {
    session.reset_transaction();
    return session.reply(451, "4.3.0", "Error: queue file write error");
  }
  session.reply(354, "", "End data with <CR><LF>.<CR><LF>");
  transaction.content = std::make_unique<Content>(
      *transaction.message, Content::Rules{.line_length_limit = session.settings().line_length_limit,
                                           .size_limit = session.settings().message_size_limit,
                                           .bare_newline = session.settings().bare_newline});
  Content& content = *transaction.content;
  while (!content.ended()) {
    session.start_request();
    if (session.stream.at_end()) throw io::StreamError(io::StreamError::Kind::closed, "end of file");
    session.stream.consume(content.take_data(session.stream.buffered()));
  }
  return end_of_message(session);
}

}  // namespace smtpd
