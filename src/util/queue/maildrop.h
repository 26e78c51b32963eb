#pragma once
// Mail from users of this machine, as it is put into maildrop: by sendmail itself when it may write there, else by the
// set-gid postdrop. What the caller sends is a stream of records that ends with E; it may hold only what a user may
// say.
//
//   auto message = MaildropMessage::create(spool, limits);   // the arrival time is the first record of the file
//   while (!message->ended()) message->take(record);         // logs what it drops
//   message->commit();                                       // durable; now trigger pickup
//   (destructor) without commit: the file is removed

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "disk/disk.h"
#include "queue/message_writer.h"
#include "queue/record.h"
#include "queue/spool.h"

namespace config {
class Config;
}

namespace queue {

struct SubmissionError {
  enum class Kind {
    malformed,   // the program that sends the records is broken, or is no mail program
    incomplete,  // no sender, or no recipient
    too_large,   // message_size_limit
    disk         // try again later
  };
  Kind kind;
  std::string text;  // "unexpected record type: 76"
};

// The rules alone. Envelope and extracted segment: no line breaks and no NUL bytes; content: no line feeds.
class MaildropFilter {
 public:
  explicit MaildropFilter(std::size_t line_length_limit) : line_length_limit_(line_length_limit) {}

  struct Verdict {
    bool keep;
    std::string_view data;  // to be written; lives until the next call or as long as what was handed in
    std::string remark;     // why it is dropped: "ignoring attribute record: log_ident=x"; nothing for a caller's T
  };
  std::expected<Verdict, SubmissionError> take(RecordType type, std::string_view data);

  bool ended() const { return ended_; }
  // Whether there is a sender and a recipient; to be asked when it has ended.
  std::expected<void, SubmissionError> complete() const;
  bool has_sender() const { return has_sender_; }

 private:
  Verdict take_attribute(std::string_view data);

  std::size_t line_length_limit_;
  std::string normalized_;
  Segment segment_ = Segment::envelope;
  bool has_sender_ = false;
  bool has_recipient_ = false;
  bool ended_ = false;
};

class MaildropMessage {
 public:
  struct Limits {
    std::size_t line_length = 2048;  // line_length_limit
    std::int64_t size = 0;           // message_size_limit, of the whole file; 0 for none
    static Limits from(const config::Config& config);
  };
  static std::expected<MaildropMessage, SubmissionError> create(const Spool& spool, const Limits& limits);

  const Id& id() const { return writer_.id(); }
  // Its error is final. What the filter drops is logged as a warning "uid=<real uid>: <remark>".
  std::expected<void, SubmissionError> take(RecordType type, std::string_view data);
  bool ended() const { return filter_.ended(); }  // E was taken: nothing more may come
  std::expected<void, SubmissionError> commit();

 private:
  MaildropMessage(MessageWriter writer, const Limits& limits);

  MessageWriter writer_;
  MaildropFilter filter_;
  std::int64_t size_limit_;
};

}  // namespace queue
