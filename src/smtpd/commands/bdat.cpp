// BDAT size [LAST], and so many bytes
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "logging/log.h"
#include "smtpd/content.h"
#include "smtpd/end_of_message.h"
#include "smtpd/envelope.h"
#include "smtpd/pace.h"
#include "smtpd/session.h"
#include "smtpd/settings.h"

namespace smtpd {

namespace {

using Bdat = Transaction::Bdat;

// The most that is thrown away to stay in step with a client whose chunk was refused.
constexpr long kMostDiscarded = 100L * 1024 * 1024;

struct Chunk {
  long size = 0;
  bool last = false;
};
std::optional<Chunk> chunk_of(const CommandLine& line) {
  if (line.words.empty() || line.words.size() > 2) return std::nullopt;
  if (!base::all_digits(line.words[0])) return std::nullopt;
  const auto size = base::to_long(line.words[0]);
  if (!size) return std::nullopt;
  if (line.words.size() == 2 && !base::equals_folded(line.words[1], "LAST")) return std::nullopt;
  return Chunk{*size, line.words.size() == 2};
}

// Takes the chunk off the stream, whatever becomes of it.
template <typename Take>
void receive(Session& session, long size, Take take) {
  Pace pace(session);
  while (size > 0) {
    if (session.stream.at_end()) throw io::StreamError(io::StreamError::Kind::closed, "the connection was closed");
    const auto most = static_cast<std::size_t>(size);
    const std::string_view part = session.stream.buffered().substr(0, most);
    const std::size_t taken = part.size();
    take(part);
    session.stream.consume(taken);
    pace.received(taken);
    size -= static_cast<long>(taken);
  }
}

void discard(Session& session, const Chunk& chunk) {
  // A message that failed is over with its last chunk; until then every chunk fails.
  session.transaction.content.reset();
  session.transaction.bdat = Bdat::failed;
  receive(session, chunk.size, [](std::string_view) {});
}

// The chunk is thrown away first, so that what it holds is never taken for commands.
Next fail(Session& session, const Chunk& chunk, Reply reply) {
  if (chunk.size > kMostDiscarded) {
    reply.disconnect = true;
    return session.reply(std::move(reply));
  }
  discard(session, chunk);
  const Next next = session.reply(std::move(reply));
  if (chunk.last) session.reset_transaction();
  return next;
}

}  // namespace

Next bdat(Session& session, const CommandLine& line) {
  const Settings& settings = session.settings();
  Transaction& transaction = session.transaction;
  if (session.discarded.has(Keyword::chunking))
    return session.reply(
        {.code = 521, .status = "5.5.1", .text = "Error: command not implemented", .disconnect = true});
  const auto chunk = chunk_of(line);
  if (!chunk) {
    logging::warning("smtpd.bdat_syntax", "{id}: malformed BDAT command syntax from {client}: {line}",
                     {{"id", session.id()},
                      {"client", session.client_label()},
                      {"line", base::printable(line.text).substr(0, 100)}});
    // Where the next command begins nobody knows.
    return session.reply({.code = 521, .status = "5.5.4", .text = "Syntax: BDAT count [LAST]", .disconnect = true});
  }
  if (chunk->size == 0 && !chunk->last) {
    logging::warning("smtpd.bdat_null", "{id}: null BDAT request from {client}",
                     {{"id", session.id()}, {"client", session.client_label()}});
    return fail(session, *chunk, {.code = 551, .status = "5.7.1", .text = "Null BDAT request", .fault = Fault::none});
  }
  if (transaction.bdat == Bdat::failed)
    return fail(
        session, *chunk,
        {.code = 551, .status = "5.0.0", .text = fmt::format("Discarded {} bytes after earlier error", chunk->size)});
  if (transaction.recipients == 0)
    return fail(session, *chunk,
                transaction.active() ? Reply{.code = 554, .status = "5.5.1", .text = "Error: no valid recipients"}
                                     : Reply{.code = 503, .status = "5.5.1", .text = "Error: need RCPT command"});
  // What is known to be too much; the rest is seen at the end.
  const long so_far = transaction.content ? static_cast<long>(transaction.content->size()) : 0;
  if (settings.message_size_limit > 0 &&
      chunk->size > settings.message_size_limit - std::min(so_far, settings.message_size_limit)) {
    logging::warning("smtpd.bdat_size", "{id}: BDAT request from {client} exceeds message size limit",
                     {{"id", session.id()}, {"client", session.client_label()}});
    return fail(session, *chunk,
                {.code = 552, .status = "5.3.4", .text = "Chunk exceeds message size limit", .fault = Fault::policy});
  }
  if (transaction.bdat == Bdat::none) {
    if (const auto refused = refused_content(session)) {
      if (*refused == Next::go_on) discard(session, *chunk);
      if (chunk->last) session.reset_transaction();
      return *refused;
    }
    begin_content(session);
    transaction.bdat = Bdat::receiving;
  }
  receive(session, chunk->size, [&](std::string_view part) { transaction.content->take_chunk(part); });
  if (!chunk->last) {
    const std::string command = std::exchange(session.where, "BDAT content");
    const auto refused = refused_bare_newlines(session);
    session.where = command;
    if (refused) {
      discard(session, {});
      return *refused;
    }
    return session.reply(250, "2.0.0", fmt::format("Ok: {} bytes", chunk->size));
  }
  transaction.content->finish_chunks();
  return end_of_message(session);
}

}  // namespace smtpd
