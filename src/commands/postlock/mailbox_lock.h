#pragma once
// The locks that mailbox_delivery_lock asks for.

#include <chrono>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/fd.h"

namespace postlock {

enum class Style { fcntl, flock, dotlock };
// The error is a clause: unknown mailbox_delivery_lock value "x" in "fcntl, x".
std::expected<std::vector<Style>, base::Error> parse_styles(std::string_view text);

struct Patience {
  int attempts = 20;                // deliver_lock_attempts
  std::chrono::seconds delay{1};    // deliver_lock_delay
  std::chrono::seconds stale{500};  // stale_lock_time: a lock file older than this is removed
};

class MailboxLock {
 public:
  // The error is "cannot open file: ...", "unable to create lock file x.lock: ...", "unable to lock for exclusive
  // access:
  // ...".
  static std::expected<MailboxLock, base::Error> take(const std::string& path, const std::vector<Style>& styles,
                                                      const Patience& patience);
  MailboxLock(MailboxLock&& other) noexcept
      : fd_(std::move(other.fd_)), lock_file_(std::exchange(other.lock_file_, {})) {}
  MailboxLock& operator=(MailboxLock&&) = delete;
  ~MailboxLock();

 private:
  MailboxLock() = default;
  base::Fd fd_;
  std::string lock_file_;  // empty: none is ours
};

}  // namespace postlock
