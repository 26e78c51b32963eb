#include "smtpd/end_of_message.h"

#include <fmt/format.h>

#include "smtpd/content.h"
#include "smtpd/envelope.h"

namespace smtpd {

namespace status = client::cleanup_status;

namespace {

client::CleanupResult finish(Session& session) {
  Transaction& transaction = session.transaction;
  if (transaction.content->failed()) return {status::kWrite, {}};
  if (transaction.content->too_large()) return {status::kSize, {}};
  try {
    end_content(session);
    return transaction.message->finish();
  } catch (const io::StreamError&) {
    return {status::kWrite, {}};
  }
}

}  // namespace

Next end_of_message(Session& session) {
  const client::CleanupResult result = finish(session);
  Reply reply;
  if (result.status == status::kOk) {
    // From here on the mail is ours.
    session.counters.errors = 0;
    reply = {.code = 250, .status = "2.0.0", .text = fmt::format("Ok: queued as {}", session.id())};
  } else {
    const auto meaning = status::meaning_of(result.status);
    reply = {.code = meaning.smtp_code,
             .status = std::string(meaning.enhanced_code),
             .text = fmt::format("Error: {}", meaning.text)};
  }
  session.reset_transaction();
  return session.reply(std::move(reply));
}

}  // namespace smtpd
