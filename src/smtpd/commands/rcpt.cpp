// RCPT TO:<recipient> [NOTIFY=NEVER|SUCCESS,FAILURE,DELAY] [ORCPT=type;address]
#include "base/text.h"
#include "mail/address.h"
#include "smtpd/envelope.h"
#include "smtpd/log.h"
#include "smtpd/parameters.h"
#include "smtpd/session.h"
#include "smtpd/settings.h"
#include "smtpd/shared.h"

namespace smtpd {

Next rcpt(Session& session, const CommandLine& line) {
  const Settings& settings = session.settings();
  Transaction& transaction = session.transaction;
  if (!transaction.active()) return session.reply(503, "5.5.1", "Error: need MAIL command");
  if (transaction.bdat != Transaction::Bdat::none) return session.reply(503, "5.5.1", "Error: RCPT after BDAT");
  std::vector<std::string_view> words = line.words;
  const auto argument = argument_of(words, "TO");
  if (!argument) return session.reply(501, "5.5.4", "Syntax: RCPT TO:<address>");
  if (auto refusal = limits::of_recipients(session)) return session.reply(std::move(*refusal));

  const auto typed = parse_address(argument->address, settings.strict_envelopes);
  if (!typed || typed->address.empty() || !session.is_valid_address(typed->address, transaction.smtputf8)) {
    log_bad_address(session, "RCPT", argument->address);
    return session.reply(501, "5.1.3", "Bad recipient address syntax");
  }
  const std::string& address = typed->address;
  auto parameters = parse_recipient_parameters(
      argument->parameters,
      {.dsn = !session.discarded.has(Keyword::dsn), .smtputf8 = settings.smtputf8 && transaction.smtputf8});
  if (!parameters) return session.reply(parameters.error());
  if (transaction.recipients >= settings.recipient_limit)
    return session.reply({.code = 452,
                          .status = "4.5.3",
                          .text = "Error: too many recipients",
                          .forgiven = transaction.recipients_over_limit++ < settings.recipient_overshoot_limit,
                          .fault = Fault::policy});
  if (settings.strict_smtputf8 && !transaction.smtputf8 && !base::is_ascii(address))
    return session.reply(553, "5.6.7", "Must declare SMTPUTF8 to send unicode address");

  log_old_utf8(session, "recipient", address);
  session.recipient = address;
  if (const restrictions::Rules* rules = session.rules()) {
    if (const auto refused =
            session.refused(rules->at_rcpt(session.subject(restrictions::Stage::rcpt)), restrictions::Stage::rcpt))
      return *refused;
  }
  try {
    if (!transaction.message) open_message(session);
    if (parameters->original_recipient.empty()) parameters->original_recipient = "rfc822;" + typed->typed;
    add_recipient(session, address, {parameters->original_recipient, parameters->notify});
  } catch (const io::StreamError& error) {
    return cannot_queue(session, error);
  }
  ++transaction.recipients;
  if (transaction.recipients == 1) transaction.first_recipient = address;
  transaction.last_recipient = "<" + mail::quote(address) + ">";
  return session.reply(250, "2.1.5", "Ok");
}

}  // namespace smtpd
