#pragma once
// Where a session puts mail: cleanup, a before-queue proxy, or a test's memory.

#include <memory>
#include <string>
#include <string_view>

#include "client/cleanup_client.h"
#include "queue/record.h"

namespace smtpd {

// A message being handed over. Dropped without finish(), it never existed.
class Message {
 public:
  virtual ~Message() = default;
  virtual const std::string& queue_id() const = 0;
  // Throws io::StreamError when the other side is gone: the session then answers 451 and goes on.
  virtual void append(queue::RecordType type, std::string_view data) = 0;
  // After E. Only status kOk means: the mail is ours.
  virtual client::CleanupResult finish() = 0;
};

class MailSink {
 public:
  virtual ~MailSink() = default;
  // `flags` of client::cleanup_flag. Throws io::StreamError: no mail can be taken now.
  virtual std::unique_ptr<Message> begin(int flags) = 0;
};

}  // namespace smtpd
