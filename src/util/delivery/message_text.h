#pragma once
// A message as a mailbox holds it: what is put in front of it, and its lines.

#include <ctime>
#include <functional>
#include <string>
#include <string_view>

#include "delivery/request.h"
#include "disk/disk.h"
#include "queue/message.h"

namespace delivery {

enum class MailboxForm { mbox, maildir };
inline MailboxForm form_of(std::string_view path) {
  return path.ends_with('/') ? MailboxForm::maildir : MailboxForm::mbox;
}

// The lines in front of the message, each with its newline: From_ (mbox), Return-Path:, X-Original-To:, Delivered-To:.
struct Front {
  std::string sender;        // internal forms
  std::string original;      // empty: no X-Original-To:
  std::string delivered_to;  // empty: no Delivered-To:
  std::time_t time = 0;      // of the From_ line
};
std::string front_lines(const Front& front, MailboxForm form);

// Where the text goes, in large pieces.
using TextSink = std::function<disk::Result<void>(std::string_view)>;

// Front and message into the sink; lines that begin with "From " are quoted and an empty line ends the message in an
// mbox. Stops at the sink's first error. A content segment that is damaged or has no end is thrown as Corrupt.
disk::Result<void> copy_message(const queue::MessageFile& message, std::int64_t data_offset, std::string_view front,
                                MailboxForm form, const TextSink& sink);

// Calls `each` for the physical lines of the header, until it returns false. Throws Corrupt.
void for_each_header_line(const queue::MessageFile& message, std::int64_t data_offset,
                          const std::function<bool(std::string_view)>& each);

}  // namespace delivery
