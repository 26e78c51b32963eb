#include "cleanup/return_mail.h"

#include <unistd.h>

#include "base/fd.h"
#include "mail/text.h"
#include "queue/message.h"

namespace cleanup {

namespace {

constexpr std::size_t kBatch = 1000;

delivery::Bounced verdict(const Transaction& transaction) {
  const auto meaning = client::cleanup_status::meaning_of(transaction.status);
  const auto [code, text] = mail::split_status(transaction.reason, meaning.enhanced_code);
  delivery::Bounced bounced;
  bounced.status.code = code;
  bounced.status.reason = text.empty() ? std::string(meaning.text) : text;
  return bounced;
}

delivery::Request request_for(const Transaction& transaction) {
  delivery::Request request;
  // A returned message is told of once: nobody would send, or remove, a log for a report of this attempt.
  request.trace_flags = transaction.trace_flags & ~queue::trace::kRecord;
  request.queue_name = "incoming";
  request.queue_id = transaction.id;
  request.data_offset = transaction.data_offset;
  request.size = transaction.content_size;
  request.encoding = transaction.encoding;
  request.smtputf8 = transaction.smtputf8;
  request.require_tls = transaction.require_tls;
  request.sender = transaction.sender;
  request.envelope_id = transaction.envelope_id;
  request.return_flags = transaction.return_flags;
  request.times.arrival = transaction.arrival.seconds * 1'000'000 + transaction.arrival.microseconds;
  request.times.active = request.times.handoff = delivery::microseconds_now();
  return request;
}

// False: not every recipient could be written down.
bool record_all(const Shared& shared, const Transaction& transaction, const delivery::Request& request, int fd) {
  base::Fd own(::dup(fd));
  if (!own) return false;
  queue::MessageFile file(std::move(own), "incoming/" + transaction.id);
  delivery::Recorder recorder(shared.spool, shared.outcomes, request, -1);
  const delivery::Bounced bounced = verdict(transaction);
  delivery::Times times = request.times;
  times.connected = times.delivered = times.handoff;
  for (std::int64_t from = 0;;) {
    const auto batch = file.read_recipients(from, kBatch);
    if (!batch) {
      transaction.warn(batch.error().text);
      return false;
    }
    for (const queue::Recipient& one : batch->recipients) {
      const delivery::RequestRecipient recipient{one.address, one.original, one.dsn_original, one.notify, one.offset};
      if (!recorder.record(recipient, bounced, {}, times)) return false;
    }
    if (batch->next == 0) return !recorder.some_deferred();
    from = batch->next;
  }
}

client::NoticeRequest notice_for(const Shared& shared, const Transaction& transaction) {
  client::NoticeRequest notice;
  notice.notice =
      !transaction.verp_delimiters.empty() && shared.verp_bounces ? client::Notice::verp : client::Notice::failure;
  notice.flags = transaction.trace_flags;
  notice.queue_name = "incoming";
  notice.queue_id = transaction.id;
  notice.encoding = transaction.encoding;
  notice.smtputf8 = transaction.smtputf8;
  notice.sender = transaction.sender;
  notice.envelope_id = transaction.envelope_id;
  // Of a message that is too large the file has only a part; and what is too large once is so within a notice.
  const bool cut = (transaction.status & client::cleanup_status::kSize) != 0;
  notice.return_flags = cut ? queue::dsn_return::kHeaders : transaction.return_flags;
  notice.verp_delimiters = transaction.verp_delimiters;
  return notice;
}

}  // namespace

client::CleanupResult return_mail(const Shared& shared, Transaction& transaction, queue::MessageWriter& writer) {
  const auto give_back = [&](const std::string& why) -> client::CleanupResult {
    transaction.warn("cannot return the message to its sender: " + why);
    // The next try has another queue id.
    (void)shared.spool.remove("cleanup.return.remove_log", queue::Folder::bounce, writer.id());
    return {client::cleanup_status::kWrite, {}};
  };
  if (const auto shown = writer.show(); !shown) return give_back(shown.error().text);
  if (!record_all(shared, transaction, request_for(transaction), writer.fd()))
    return give_back("its recipients could not be recorded");
  const auto sent = shared.bounce.send(notice_for(shared, transaction), io::Deadline::after(shared.ipc_timeout));
  if (!sent) return give_back(sent.error().text);
  return {};
}

}  // namespace cleanup
