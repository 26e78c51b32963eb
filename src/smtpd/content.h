#pragma once
// The content of a message on its way to cleanup: bytes in, in whatever pieces they come, records out. For DATA also:
// where it ends. No input makes it hold more than one line's record.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "smtpd/mail_sink.h"
#include "smtpd/settings.h"

namespace smtpd {

class Content {
 public:
  struct Rules {
    std::size_t line_length_limit = 2048;
    std::int64_t size_limit = 0;  // message_size_limit; 0 for none
    BareNewline bare_newline = BareNewline::normalize;
  };
  // The message must outlive it.
  Content(Message& message, const Rules& rules) : message_(message), rules_(rules) {}

  // DATA: takes what belongs to the message and says how many bytes that were; the end has been seen when ended().
  std::size_t take_data(std::string_view bytes);
  bool ended() const { return ended_; }
  // BDAT: all of it is the message's.
  void take_chunk(std::string_view bytes);
  // After the last chunk: a line without an end gets one.
  void finish_chunks();

  std::int64_t size() const { return size_; }  // as Postfix counts: every record with two bytes for a line end
  bool too_large() const { return rules_.size_limit > 0 && size_ > rules_.size_limit; }
  bool has_bare_newline() const { return bare_newline_; }
  bool failed() const { return failed_; }  // cleanup is gone; the rest is thrown away
  void fail() { failed_ = true; }
  // For the log of what was lost in the middle.
  std::int64_t received() const { return size_ + (chunks_ ? static_cast<std::int64_t>(pending_.size()) : 0); }

 private:
  enum class Framing { dots, chunks };
  std::size_t take(std::string_view bytes, Framing framing);
  bool line(std::string_view text, Framing framing);
  std::size_t spill(std::string_view text, Framing framing);
  void put(queue::RecordType type, std::string_view text);

  Message& message_;
  Rules rules_;
  std::int64_t size_ = 0;
  std::string pending_;           // of a line that has not ended
  bool continued_ = false;        // a part of the line has been put
  bool proper_ = true;            // the line before ended in CR LF
  bool first_ = true;             // of DATA: only lines of mailboxes have been put yet
  bool in_mailbox_line_ = false;  // which goes on in another record
  bool ended_ = false;
  bool bare_newline_ = false;
  bool failed_ = false;
  bool chunks_ = false;
};

}  // namespace smtpd
