#include "delivery/message_text.h"

#include <fmt/format.h>

#include "delivery/agent.h"
#include "mail/address.h"
#include "mail/text.h"
#include "queue/record.h"

namespace delivery {

namespace {

constexpr std::size_t kPiece = 64 * 1024;

// One text record of the content; nothing at its end.
std::optional<queue::Record> next_text(queue::RecordReader& reader, const std::string& name) {
  while (true) {
    const auto record = reader.next();
    if (!record) throw Corrupt{record.error().text};
    if (!*record) throw Corrupt{name + ": the file ends in the middle of the message"};
    const queue::RecordType type = (*record)->type;
    if (type == queue::RecordType::text || type == queue::RecordType::unterminated) return *record;
    if (type == queue::RecordType::extracted) return std::nullopt;
    if (type != queue::RecordType::padding) {
      throw Corrupt{fmt::format("{}: bad record type {} in message content", name,
                                static_cast<int>(static_cast<unsigned char>(type)))};
    }
  }
}

// The message's text in the making. In an mbox no line of it may pass for the beginning of another message, however the
// records cut it into pieces: not even a line feed within a record.
class Text {
 public:
  Text(std::string_view front, MailboxForm form) : piece_(front), quotes_(form == MailboxForm::mbox) { begin_line(); }

  void append(std::string_view text) {
    while (quotes_) {
      const auto line_feed = text.find('\n');
      if (line_feed == std::string_view::npos) break;
      append_within_line(text.substr(0, line_feed + 1));
      text.remove_prefix(line_feed + 1);
      begin_line();
    }
    append_within_line(text);
  }
  void end_line() {
    piece_ += '\n';
    begin_line();
  }
  bool at_line_start() const { return piece_.size() == line_start_ && !judged_; }

  // Enough for a write, and nothing in it that may still change.
  bool is_ready() const { return piece_.size() >= kPiece && (!quotes_ || judged_ || at_line_start()); }
  const std::string& piece() const { return piece_; }
  void clear() {
    piece_.clear();
    line_start_ = 0;
  }

 private:
  static constexpr std::string_view kFrom = "From ";

  void begin_line() {
    line_start_ = piece_.size();
    judged_ = false;
  }
  void append_within_line(std::string_view text) {
    piece_ += text;
    if (judged_ || piece_.size() < line_start_ + kFrom.size()) return;
    if (quotes_ && std::string_view(piece_).substr(line_start_).starts_with(kFrom)) piece_.insert(line_start_, 1, '>');
    judged_ = true;
  }

  std::string piece_;
  bool quotes_;
  std::size_t line_start_ = 0;  // of the present line, in the piece
  bool judged_ = false;         // its beginning is known
};

// An address cannot bring lines of its own into the header.
std::string address_for_header(std::string_view address) {
  std::string quoted = mail::quote(address);
  for (char& c : quoted) {
    if (c == '\n' || c == '\r' || c == '\0') c = '?';
  }
  return quoted;
}

}  // namespace

std::string front_lines(const Front& front, MailboxForm form) {
  const std::string sender = front.sender.empty() ? "" : address_for_header(front.sender);
  std::string lines;
  if (form == MailboxForm::mbox) {
    lines += fmt::format("From {}  {}\n", sender.empty() ? "MAILER-DAEMON" : sender, mail::asctime(front.time));
  }
  lines += fmt::format("Return-Path: <{}>\n", sender);
  if (!front.original.empty()) lines += fmt::format("X-Original-To: {}\n", address_for_header(front.original));
  if (!front.delivered_to.empty()) lines += fmt::format("Delivered-To: {}\n", address_for_header(front.delivered_to));
  return lines;
}

disk::Result<void> copy_message(const queue::MessageFile& message, std::int64_t data_offset, std::string_view front,
                                MailboxForm form, const TextSink& sink) {
  queue::RecordReader reader(message.fd(), message.name(), data_offset);
  Text text(front, form);
  bool line_ended = true;
  while (const auto record = next_text(reader, message.name())) {
    text.append(record->data);
    line_ended = record->type == queue::RecordType::text;
    if (line_ended) text.end_line();
    if (!text.is_ready()) continue;
    if (const auto written = sink(text.piece()); !written) return written;
    text.clear();
  }
  if (!line_ended) text.end_line();
  if (form == MailboxForm::mbox) text.end_line();
  return text.piece().empty() ? disk::Result<void>{} : sink(text.piece());
}

void for_each_header_line(const queue::MessageFile& message, std::int64_t data_offset,
                          const std::function<bool(std::string_view)>& each) {
  queue::RecordReader reader(message.fd(), message.name(), data_offset);
  bool at_line_start = true;
  while (const auto record = next_text(reader, message.name())) {
    if (at_line_start) {
      if (record->data.empty()) return;
      if (!each(record->data)) return;
    }
    at_line_start = record->type == queue::RecordType::text;
  }
}

}  // namespace delivery
