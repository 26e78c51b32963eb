// MAIL FROM:<sender> [SIZE=n] [BODY=7BIT|8BITMIME] [SMTPUTF8] [REQUIRETLS] [RET=FULL|HDRS] [ENVID=x] [AUTH=x]
// [XVERP[=xy]]
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "io/wait.h"
#include "logging/log.h"
#include "queue/id.h"
#include "smtpd/envelope.h"
#include "smtpd/log.h"
#include "smtpd/parameters.h"
#include "smtpd/session.h"
#include "smtpd/settings.h"
#include "smtpd/shared.h"

namespace smtpd {

namespace {

Reply system_storage() {
  return {.code = 452, .status = "4.3.1", .text = "Insufficient system storage", .fault = Fault::resource};
}

// Is there room for this message, and one more like it? Asked of the file system at most once a second.
unsigned long long free_bytes = 0;
bool has_space(const Settings& settings) {
  static io::Clock::time_point asked;
  const auto now = io::Clock::now();
  if (asked == io::Clock::time_point() || now - asked > std::chrono::seconds(1)) {
    struct statvfs space{};
    if (::statvfs(".", &space) != 0) return true;  // it cannot be told; cleanup will see
    asked = now;
    free_bytes = static_cast<unsigned long long>(space.f_bavail) * space.f_frsize;
  }
  const auto limit = static_cast<unsigned long long>(settings.message_size_limit);
  const auto least = static_cast<unsigned long long>(settings.queue_minfree);
  return free_bytes >= least && free_bytes / 3 * 2 >= limit;
}

// For policy services: the same for all requests of a message, and never again.
std::string new_instance(const queue::TimeStamp& time) {
  static unsigned count = 0;
  return fmt::format("{:x}.{:x}.{:x}.{}", ::getpid(), time.seconds, time.microseconds, count++);
}

Offered offered_to(const Session& session) {
  const Settings& settings = session.settings();
  Offered offered;
  offered.dsn = !session.discarded.has(Keyword::dsn);
  offered.smtputf8 = settings.smtputf8 && !session.discarded.has(Keyword::smtputf8);
  offered.requiretls = settings.requiretls && session.tls.active && !session.discarded.has(Keyword::requiretls);
  offered.verp = settings.verp_clients.has(session.client);
  offered.verp_filter = settings.verp_filter;
  return offered;
}

// A refusal that tells of a sender who is none yet.
Next reject_sender(Session& session, const std::string& sender, Reply reply) {
  session.transaction.sender = sender;
  const Next next = session.reject(std::move(reply));
  session.transaction.sender.reset();
  return next;
}

}  // namespace

Next mail(Session& session, const CommandLine& line) {
  const Settings& settings = session.settings();
  Transaction& transaction = session.transaction;
  if (session.owes_hello())
    return session.reply(
        {.code = 503, .status = "5.5.1", .text = "Error: send HELO/EHLO first", .fault = Fault::policy});
  if (transaction.active()) return session.reply(503, "5.5.1", "Error: nested MAIL command");
  if (transaction.bdat != Transaction::Bdat::none) return session.reply(503, "5.5.1", "Error: MAIL after BDAT");
  std::vector<std::string_view> words = line.words;
  const auto argument = argument_of(words, "FROM");
  if (!argument) return session.reply(501, "5.5.4", "Syntax: MAIL FROM:<address>");
  if (auto refusal = limits::of_messages(session)) return session.reply(std::move(*refusal));

  const auto typed = parse_address(argument->address, settings.strict_envelopes);
  const bool utf8 = std::ranges::any_of(argument->parameters,
                                        [](std::string_view word) { return base::equals_folded(word, "SMTPUTF8"); });
  if (!typed || !session.is_valid_address(typed->address, utf8)) {
    log_bad_address(session, "MAIL", argument->address);
    return session.reply(501, "5.1.7", "Bad sender address syntax");
  }
  const std::string& sender = typed->address;
  auto parameters = parse_mail_parameters(argument->parameters, offered_to(session));
  if (!parameters) return session.reply(std::move(parameters.error()));
  if (parameters->verp_delimiters && sender.empty())
    return session.reply(503, "5.5.4", "Error: XVERP requires non-null sender");
  // What a client announced once holds until it begins anew: it may have meant to send the same message again.
  if (parameters->size) transaction.announced_size = *parameters->size;
  if (settings.message_size_limit > 0 && transaction.announced_size > settings.message_size_limit)
    return reject_sender(
        session, sender,
        {.code = 552, .status = "5.3.4", .text = "Message size exceeds fixed limit", .fault = Fault::policy});
  if (settings.strict_smtputf8 && !parameters->smtputf8 && !base::is_ascii(sender))
    return session.reply(553, "5.6.7", "Must declare SMTPUTF8 to send unicode address");
  log_old_utf8(session, "sender", sender);
  if (!has_space(settings)) {
    const Next next = session.reject(system_storage());
    logging::warning("smtpd.space", "not enough free space in mail queue: {free} bytes < 1.5*message size limit",
                     {{"free", std::to_string(free_bytes)}});
    return next;
  }

  transaction.sender = sender;
  transaction.encoding = parameters->encoding;
  transaction.smtputf8 = parameters->smtputf8;
  transaction.requiretls = parameters->requiretls;
  transaction.dsn_return = parameters->dsn_return;
  transaction.envelope_id = std::move(parameters->envelope_id);
  transaction.sasl_sender = parameters->sasl_sender.value_or("");
  if (parameters->verp_delimiters)
    transaction.verp_delimiters =
        parameters->verp_delimiters->empty() ? settings.verp_delimiters : *parameters->verp_delimiters;
  transaction.arrival = queue::now();
  if (const restrictions::Rules* rules = session.rules()) {
    transaction.rewrites_locally = session.forwarded.source.empty()
                                       ? rules->is_local_header_client(session.subject(restrictions::Stage::mail))
                                       : session.forwarded.source == "LOCAL";
    if (const auto refused =
            session.refused(rules->at_mail(session.subject(restrictions::Stage::mail)), restrictions::Stage::mail)) {
      session.reset_transaction();
      return *refused;
    }
  }
  transaction.instance = new_instance(transaction.arrival);  // policy services are told from here on
  if (!settings.delay_open) {
    try {
      open_message(session);
    } catch (const io::StreamError& error) {
      return cannot_queue(session, error);
    }
  }
  return session.reply(250, "2.1.0", "Ok");
}

}  // namespace smtpd
