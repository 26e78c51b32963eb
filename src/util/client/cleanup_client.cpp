#include "client/cleanup_client.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/text.h"

namespace client {

bool detects_utf8(std::string_view classes, std::string_view source) {
  static constexpr std::array<std::string_view, 8> kKnown = {"sendmail", "smtpd",  "qmqpd",  "forward",
                                                             "bounce",   "notify", "verify", "all"};
  bool found = false;
  for (const std::string_view word : base::split(classes)) {
    const auto is = [word](std::string_view name) { return base::equals_folded(word, name); };
    if (std::ranges::none_of(kKnown, is)) {
      throw base::Fatal(fmt::format("parameter smtputf8_autodetect_classes: unknown word \"{}\"; use {}", word,
                                    fmt::join(kKnown, ", ")));
    }
    found = found || is(source) || is("all");
  }
  return found;
}

namespace cleanup_status {

Meaning meaning_of(int status) {
  struct Row {
    int bit;
    Meaning meaning;
  };
  // In the order in which they decide.
  static constexpr std::array kRows = {
      Row{kDefer, {451, "4.7.1", "service unavailable"}},
      Row{kProxy, {451, "4.3.0", "queue file write error"}},
      Row{kBad, {451, "4.3.0", "internal protocol error"}},
      Row{kNoRecipients, {550, "5.1.0", "no recipients specified"}},
      Row{kHops, {554, "5.4.0", "too many hops"}},
      Row{kSize, {552, "5.3.4", "message file too big"}},
      Row{kContent, {550, "5.7.1", "message content rejected"}},
      Row{kWrite, {451, "4.3.0", "queue file write error"}},
      Row{kNoPermission, {550, "5.7.1", "service denied"}},
      Row{kBareLf, {521, "5.5.2", "bare <LF> received"}},
  };
  if (status == kOk) return {250, "2.0.0", "Success"};
  for (const Row& row : kRows) {
    if ((status & row.bit) != 0) return row.meaning;
  }
  return {451, "4.3.0", "internal protocol error"};
}

}  // namespace cleanup_status

namespace {

constexpr std::size_t kFrameSize = 60 * 1024;  // with its header it still fits into the channel's buffer

// Where cleanup has just put the message's name; an error when it gave none.
queue::Id id_in(const CleanupStarted& started) {
  if (auto id = queue::Id::parse(started.queue_id)) return *id;
  throw io::StreamError(io::StreamError::Kind::broken,
                        started.reason.empty() ? "cleanup made no queue file" : started.reason);
}

}  // namespace

CleanupClient::CleanupClient(ipc::Pool& pool, const std::string& socket_path, int flags, io::Deadline deadline)
    : pool_(&pool), path_(socket_path) {
  const auto begin = [&](ipc::Pool::Freshness freshness) {
    auto lease = pool_->acquire(path_, deadline, freshness);
    try {
      lease.channel->send(CleanupBegin{flags});
      lease.channel->flush();
      id_ = id_in(lease.channel->receive<CleanupStarted>());
    } catch (const io::StreamError& error) {
      if (lease.reused && error.kind() != io::StreamError::Kind::timed_out) return false;
      throw;
    }
    channel_ = std::move(lease.channel);
    return true;
  };
  if (!begin(ipc::Pool::Freshness::any)) begin(ipc::Pool::Freshness::fresh);
}

CleanupClient::~CleanupClient() = default;

void CleanupClient::append(queue::RecordType type, std::string_view data) {
  queue::append_record(gathered_, type, data);
  if (gathered_.size() >= kFrameSize) send_gathered();
}

void CleanupClient::send_gathered() {
  if (gathered_.empty()) return;
  channel_->send_frame(ipc::Kind::cleanup_records, ipc::encode(CleanupRecords{std::move(gathered_)}));
  gathered_.clear();
}

CleanupResult CleanupClient::finish() {
  queue::append_record(gathered_, queue::RecordType::end, {});
  return finish_without_end();
}

CleanupResult CleanupClient::finish_without_end() {
  send_gathered();
  channel_->flush();
  auto result = channel_->receive<CleanupResult>();
  // The server may have given up in the middle, with records of ours still on their way to it; only the end of what
  // both agree on leaves the connection fit for another message.
  if (result.status == cleanup_status::kOk) {
    pool_->give_back(path_, std::move(channel_));
  } else {
    channel_.reset();
  }
  return result;
}

}  // namespace client
