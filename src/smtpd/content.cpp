#include "smtpd/content.h"

#include "io/stream.h"

namespace smtpd {

using queue::RecordType;

namespace {

// "From " of a mailbox that somebody piped into SMTP, quoted or not: it is no header, and would end the header.
bool is_mailbox_line(std::string_view text) {
  while (text.starts_with('>')) text.remove_prefix(1);
  return text.starts_with("From ");
}

}  // namespace

std::size_t Content::take_data(std::string_view bytes) {
  return take(bytes, Framing::dots);
}

void Content::take_chunk(std::string_view bytes) {
  chunks_ = true;
  take(bytes, Framing::chunks);
}

void Content::finish_chunks() {
  if (!pending_.empty() || continued_) {
    const std::string last = std::exchange(pending_, {}) + "\r";
    line(last, Framing::chunks);
  }
}

std::size_t Content::take(std::string_view bytes, Framing framing) {
  std::size_t at = 0;
  while (!ended_ && at < bytes.size()) {
    const std::size_t newline = bytes.find('\n', at);
    std::string_view text = bytes.substr(at, newline == std::string_view::npos ? newline : newline - at);
    at += text.size();
    if (!pending_.empty()) {
      pending_ += text;
      text = pending_;
    }
    if (newline == std::string_view::npos) {
      const std::size_t spilt = spill(text, framing);
      if (text.data() == pending_.data())
        pending_.erase(0, spilt);
      else
        pending_ = text.substr(spilt);
      return at;
    }
    ++at;
    ended_ = line(text, framing);
    pending_.clear();
  }
  return at;
}

// What certainly does not fit into the line's last record. The dot of a line stays with the line's begin.
std::size_t Content::spill(std::string_view text, Framing framing) {
  std::size_t done = 0;
  while (text.size() - done > rules_.line_length_limit) {
    std::string_view piece = text.substr(done, rules_.line_length_limit);
    done += piece.size();
    if (!continued_ && framing == Framing::dots && piece.starts_with('.')) piece.remove_prefix(1);
    put(RecordType::unterminated, piece);
    continued_ = true;
  }
  return done;
}

// True: the message ends here.
bool Content::line(std::string_view text, Framing framing) {
  const bool crlf = text.ends_with('\r');
  if (!crlf) bare_newline_ = true;
  if (crlf) text.remove_suffix(1);
  // Of the old days, for those who want them back.
  if (rules_.bare_newline == BareNewline::no)
    while (text.ends_with('\r')) text.remove_suffix(1);
  const bool proper = proper_ && crlf;
  proper_ = crlf;
  std::size_t room = rules_.line_length_limit;
  if (framing == Framing::dots && !continued_ && text.starts_with('.')) {
    if (text.size() == 1) {
      if (proper || rules_.bare_newline == BareNewline::no) return true;
      // Another system may take it for the end: it goes no further.
      return false;
    }
    text.remove_prefix(1);
    --room;  // the dot counts, whether the line comes in one piece or in several
  }
  // A record that is full goes on in another one, be it an empty one.
  for (; text.size() >= room; room = rules_.line_length_limit) {
    put(RecordType::unterminated, text.substr(0, room));
    text.remove_prefix(room);
    continued_ = true;
  }
  put(RecordType::text, text);
  continued_ = false;
  return false;
}

void Content::put(RecordType type, std::string_view text) {
  // What comes in chunks is as the client means it, as with Postfix: its first line is as any other.
  const bool is_in_front = first_ && !chunks_;
  const bool begins_mailbox_line = is_in_front && !in_mailbox_line_ && is_mailbox_line(text);
  if (!begins_mailbox_line) size_ += static_cast<std::int64_t>(text.size()) + 2;  // which is no part of the message
  if (failed_ || too_large()) return;
  try {
    if (is_in_front) {
      if (begins_mailbox_line) {
        message_.append(RecordType::unterminated, "X-Mailbox-Line: ");
      } else {
        first_ = false;
        // It would become part of the header above it.
        if (!in_mailbox_line_ && (text.starts_with(' ') || text.starts_with('\t')))
          message_.append(RecordType::text, {});
      }
    }
    in_mailbox_line_ = type == RecordType::unterminated;
    message_.append(type, text);
  } catch (const io::StreamError&) {
    failed_ = true;
  }
}

}  // namespace smtpd
