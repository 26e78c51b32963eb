#pragma once
// Mailboxes: what maildir and mbox have in common, and the one way into both.

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <string_view>

#include "config/config.h"
#include "delivery/agent.h"
#include "delivery/identity.h"
#include "delivery/message_text.h"
#include "disk/disk.h"

namespace delivery {

// How an mbox is locked; in whatever order they are named, the dotlock is taken first.
struct LockMethods {
  bool dotlock = false;
  bool fcntl = false;
  bool flock = false;
  // "fcntl, dotlock". Throws config::BadValue for other words; `parameter` is for its text.
  static LockMethods parse(std::string_view parameter, std::string_view value);
};

struct MailboxSettings {
  LockMethods locks;
  int lock_attempts = 20;                      // deliver_lock_attempts: with lock_delay, how long to try
  std::chrono::milliseconds lock_delay{1000};  // deliver_lock_delay: the longest pause, half as much again at most
  std::chrono::seconds stale_lock{500};        // stale_lock_time
  std::int64_t size_limit = 0;                 // of an mbox, or of one message in a maildir; 0: none
  bool strict_ownership = true;                // strict_mailbox_ownership
  std::string host;                            // in names of maildir files
  // All but locks and size limit, which are the agents' own.
  static MailboxSettings from(const config::Config& config);
  // Throws config::BadValue for a limit below message_size_limit: a message that was accepted and that no mailbox may
  // hold would come back again and again.
  void set_size_limit(const config::Config& config, std::string_view parameter, std::int64_t limit);
};

// Why a message did not get into a mailbox. The mailbox is as it was.
struct MailboxError {
  int number;        // errno, 0 when there is none
  std::string text;  // "cannot open file: Permission denied"
};
using MailboxResult = std::expected<void, MailboxError>;

// What the mailbox's owner must do about it is bounced (the file or quota would be too large), all else deferred: also
// what may be a fault of this machine, such as a failed fsync. `reason` is the text to tell.
Outcome failure(const MailboxError& error, std::string reason);
// "deliver..." for -bv, "delivered..." otherwise.
Sent success(MailboxForm form, bool only_asked);

// Writes the message into the sink; delivery::copy_message with all but the sink given.
using TextWriter = std::function<disk::Result<void>(const TextSink&)>;

// The name that this message has in the recipient's maildir, at each attempt the same:
// <arrival seconds>.M<microseconds>Q<queue id>R<recipient offset>.<host>. Queue ids are unique within their
// microsecond, offsets within their message.
std::string maildir_name(const Request& request, const RequestRecipient& recipient, std::string_view host);

}  // namespace delivery
