#include "cleanup/session.h"

#include "cleanup/return_mail.h"
#include "io/offload.h"
#include "io/wait.h"
#include "logging/log.h"
#include "queue/spare.h"
#include "service/service.h"

namespace cleanup {

namespace status = client::cleanup_status;
namespace flag = client::cleanup_flag;

namespace {

// Between messages. Clients that keep their connection for the next one keep it for less.
constexpr auto kIdleLimit = std::chrono::seconds(100);

void log_removed(const std::string& id, std::string_view why) {
  logging::info("cleanup.removed", "{id}: removed ({why})", {{"id", id}, {"why", why}});
}

}  // namespace

void Session::run() {
  for (;;) {
    channel_.set_deadline(io::Deadline::after(kIdleLimit));
    const auto frame = channel_.receive_frame_or_end(shared_.ipc_timeout);
    if (!frame || !one_message(ipc::Channel::understand<client::CleanupBegin>(*frame))) return;
  }
}

disk::Result<queue::MessageWriter> Session::create_file() {
  if (const auto spare = shared_.spares.take()) {
    auto writer = queue::MessageWriter::create_over(shared_.spool, queue::Folder::incoming, *spare);
    if (writer) return writer;
    // Somebody still holds on to it, or it is gone.
    if (writer.error().number != ENOENT)
      (void)shared_.spool.disk().unlink("cleanup.spare.waste", queue::spare_path(*spare));
  }
  if (!shared_.creators.acquire(patience())) return std::unexpected(disk::Error{ETIMEDOUT, "create queue file"});
  const io::Permit permit(shared_.creators);
  return queue::MessageWriter::create(shared_.spool, queue::Folder::incoming);
}

// False: the conversation cannot go on after this message.
bool Session::one_message(const client::CleanupBegin& begin) {
  // qmgr hands out a token for each message that it has taken from incoming: without one mail comes in faster than it
  // goes out.
  service::flow::Token token;
  if (!token.is_there() && shared_.in_flow_delay.count() > 0)
    io::sleep_until(io::Deadline::after(shared_.in_flow_delay));

  disk::Result<queue::MessageWriter> writer = create_file();
  if (!writer) {
    logging::warning("cleanup.create", "{error}", {{"error", writer.error().text}});
    channel_.send(client::CleanupStarted{.queue_id = {}, .reason = writer.error().text});
    channel_.flush();
    return true;
  }
  channel_.send(client::CleanupStarted{.queue_id = writer->id().text(), .reason = {}});
  channel_.flush();

  bool whole = true;
  // Within, so that a file which is not committed is gone before the client hears of it.
  const client::CleanupResult result = take_in(begin, *std::move(writer), token, whole);
  answer(result);
  return whole;
}

client::CleanupResult Session::take_in(const client::CleanupBegin& begin, queue::MessageWriter writer,
                                       service::flow::Token& token, bool& whole) {
  FileOutput output(writer);
  Transaction transaction(shared_.settings, shared_.tables, output, writer.id().text(), writer.created(), begin.flags);
  try {
    Message message(transaction);
    whole = receive(message, transaction);
  } catch (...) {  // the client is gone, or this fiber is to end: the writer's destructor removes the file
    drop_expanded(transaction, writer.id());
    log_removed(transaction.id, "canceled");
    throw;
  }
  if (!whole) transaction.reject_bad("malformed record");
  const client::CleanupResult result =
      whole ? settle(transaction, writer, output) : client::CleanupResult{transaction.status, transaction.reason};
  const bool queued = transaction.status == status::kOk && (transaction.flags & flag::kDiscard) == 0;
  if (queued && (transaction.flags & flag::kHold) == 0) token.pass_on();
  if (!queued) drop_expanded(transaction, writer.id());
  return result;
}

// Until the end of the message. False: these are no records.
bool Session::receive(Message& message, Transaction& transaction) {
  while (!message.ended()) {
    channel_.set_deadline(patience());
    if (!message.take(channel_.receive<client::CleanupRecords>().records)) return false;
    keep_expanded(transaction);
  }
  return true;
}

// In pieces, so that an endless list of aliases costs no memory; on disk before the message is ours.
void Session::keep_expanded(Transaction& transaction) {
  if (transaction.expanded.empty()) return;
  const auto id = queue::Id::parse(transaction.id);
  const auto kept = io::offload([&] {
    return queue::append_status(shared_.spool, queue::Folder::trace, *id, transaction.expanded, queue::Durable::yes,
                                shared_.outcomes.compatible_logs);
  });
  transaction.expanded.clear();
  transaction.traced = true;
  if (kept) return;
  transaction.warn("write trace log: " + kept.error().text);
  transaction.fail(status::kWrite);
}

// The message does not come to be, and nothing is told of it.
void Session::drop_expanded(const Transaction& transaction, const queue::Id& id) {
  if (transaction.traced) (void)shared_.spool.remove("cleanup.remove_trace", queue::Folder::trace, id);
}

void Session::answer(const client::CleanupResult& result) {
  channel_.set_deadline(patience());
  channel_.send(result);
  channel_.flush();
}

client::CleanupResult Session::settle(Transaction& transaction, queue::MessageWriter& writer,
                                      const FileOutput& output) {
  if ((transaction.flags & flag::kDiscard) != 0) {
    log_removed(transaction.id, "discarded");
    return {};
  }
  if (output.failed()) transaction.warn("write queue file: " + output.problem());
  if (transaction.status == status::kOk) return accept(transaction, writer);
  const bool returnable =
      (transaction.flags & flag::kBounce) != 0 && (transaction.status & ~Transaction::kReturnable) == 0;
  // With soft_bounce the client keeps the message and tries again.
  if (returnable && !shared_.outcomes.soft_bounce) return return_mail(shared_, transaction, writer);
  return {transaction.status, transaction.reason};
}

client::CleanupResult Session::accept(Transaction& transaction, queue::MessageWriter& writer) {
  const bool hold = (transaction.flags & flag::kHold) != 0;
  const auto committed = writer.commit(hold ? queue::Folder::hold : queue::Folder::incoming);
  if (!committed) {
    transaction.warn("write queue file: " + committed.error().text);
    transaction.fail(status::kWrite);
    return {transaction.status, transaction.reason};
  }
  // From here on the message is ours.
  if (!hold) shared_.qmgr.arrived(writer.id());
  return {};
}

}  // namespace cleanup
