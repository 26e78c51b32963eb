#include "cleanup/message.h"

#include <fmt/format.h>

#include "cleanup/record_view.h"
#include "logging/log.h"

namespace cleanup {

using queue::RecordType;

Message::Message(Transaction& transaction)
    : transaction_(transaction), envelope_(transaction), headers_(transaction), body_(transaction) {
  if ((transaction.flags & client::cleanup_flag::kSmtpUtf8) != 0) transaction.smtputf8 |= queue::smtputf8::kRequested;
  transaction_.out.append(RecordType::size, queue::Sizes{}.text());
}

bool Message::take(std::string_view records) {
  while (!records.empty() && !ended()) {
    if (stage_ == Stage::body && !transaction_.given_up() && !too_large() && body_.take_run(records)) {
      check_size();
      continue;
    }
    const auto record = take_record(records);
    if (!record) return false;
    if (transaction_.given_up()) {
      pass_over(record->type, record->data);
      continue;
    }
    take(record->type, record->data);
    check_size();
  }
  return true;
}

// A message that is given up is read to its end; but what is wrong with the content of one that shall vanish is
// nobody's concern, and that it shall may be known only behind the content.
void Message::pass_over(RecordType type, std::string_view data) {
  if (type == RecordType::end) stage_ = Stage::ended;
  if ((transaction_.status & ~Transaction::kReturnable) != 0) return;
  if (stage_ == Stage::extracted && type == RecordType::flags) envelope_.take_extracted(type, data);
  const bool in_content = stage_ == Stage::header || stage_ == Stage::body;
  if (in_content && type == RecordType::extracted) stage_ = Stage::extracted;
}

void Message::take(RecordType type, std::string_view data) {
  switch (stage_) {
    case Stage::envelope:
      if (type == RecordType::message) {
        envelope_.end_of_envelope();
        stage_ = Stage::header;
      } else {
        envelope_.take(type, data);
      }
      break;
    case Stage::header:
    case Stage::body:
      take_content(type, data);
      break;
    case Stage::extracted:
      if (type == RecordType::end)
        finish();
      else
        envelope_.take_extracted(type, data);
      break;
    case Stage::ended:
      break;
  }
  // An end where none belongs has been refused; the message ends nevertheless.
  if (type == RecordType::end) stage_ = Stage::ended;
}

void Message::take_content(RecordType type, std::string_view data) {
  if (type == RecordType::extracted) return end_of_content();
  if (type != RecordType::text && type != RecordType::unterminated)
    return transaction_.reject_bad(fmt::format("unexpected record type {} in message content", static_cast<int>(type)));
  if (too_large()) return;
  // Header and body checks go between the screening and what follows: per logical header in Headers::finish_header,
  // per record in Body::take.
  const std::string_view line = screened(transaction_, data, scratch_);
  if (transaction_.given_up()) return;
  if (stage_ == Stage::header) {
    if (headers_.take(type, line)) return;
    stage_ = Stage::body;
    if (line.empty()) body_.take(type, line);  // the empty line is of neither
    body_.begin(headers_.content_type());
    if (line.empty()) return;
    if (transaction_.given_up()) return;
  }
  body_.take(type, line);
}

void Message::end_of_content() {
  headers_.end();
  if (transaction_.given_up()) return;
  body_.end();
  envelope_.begin_extracted();
  stage_ = Stage::extracted;
}

void Message::finish() {
  envelope_.end_of_extracted();
  queue::Sizes sizes;
  sizes.message = transaction_.content_size;
  sizes.content = transaction_.content_size;
  sizes.data_offset = transaction_.data_offset;
  sizes.recipients = transaction_.recipients;
  sizes.hints = transaction_.hints;
  sizes.smtputf8 = transaction_.smtputf8;
  std::string record;
  queue::append_record(record, RecordType::size, sizes.text());
  transaction_.out.overwrite(0, record);
}

bool Message::too_large() const {
  return (transaction_.status & client::cleanup_status::kSize) != 0;
}

// A message that is too large and shall be returned is kept up to the limit, with all its recipients; but these, too,
// must end somewhere.
void Message::check_size() {
  using namespace client::cleanup_status;
  if (transaction_.out.failed()) return transaction_.fail(kWrite);
  const std::int64_t limit = transaction_.settings.message_size_limit;
  if (limit <= 0 || transaction_.out.size() <= limit) return;
  if (too_large()) {
    if (transaction_.out.size() / 2 > limit) transaction_.fail(kWrite);
    return;
  }
  transaction_.warn("queue file size limit exceeded");
  transaction_.fail(kSize);
}

}  // namespace cleanup
