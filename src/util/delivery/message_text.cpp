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
    if (type == queue::RecordType::text || type == queue::RecordType::unterminated) return **record;
    if (type == queue::RecordType::extracted) return std::nullopt;
    if (type != queue::RecordType::padding) {
      throw Corrupt{fmt::format("{}: bad record type {} in message content", name,
                                static_cast<int>(static_cast<unsigned char>(type)))};
    }
  }
}

}  // namespace

std::string front_lines(const Front& front, MailboxForm form) {
  const std::string sender = front.sender.empty() ? "" : mail::quote(front.sender);
  std::string lines;
  if (form == MailboxForm::mbox) {
    lines += fmt::format("From {}  {}\n", sender.empty() ? "MAILER-DAEMON" : sender, mail::asctime(front.time));
  }
  lines += fmt::format("Return-Path: <{}>\n", sender);
  if (!front.original.empty()) lines += fmt::format("X-Original-To: {}\n", mail::quote(front.original));
  if (!front.delivered_to.empty()) lines += fmt::format("Delivered-To: {}\n", mail::quote(front.delivered_to));
  return lines;
}

disk::Result<void> copy_message(const queue::MessageFile& message, std::int64_t data_offset, std::string_view front,
                                MailboxForm form, const TextSink& sink) {
  queue::RecordReader reader(message.fd(), message.name(), data_offset);
  std::string piece(front);
  bool at_line_start = true;
  while (const auto record = next_text(reader, message.name())) {
    if (form == MailboxForm::mbox && at_line_start && record->data.starts_with("From ")) piece += '>';
    piece += record->data;
    at_line_start = record->type == queue::RecordType::text;
    if (at_line_start) piece += '\n';
    if (piece.size() < kPiece) continue;
    if (const auto written = sink(piece); !written) return written;
    piece.clear();
  }
  if (!at_line_start) piece += '\n';
  if (form == MailboxForm::mbox) piece += '\n';
  return piece.empty() ? disk::Result<void>{} : sink(piece);
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
