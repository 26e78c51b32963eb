#pragma once
// What cleanup is told of a message: before, around and after its content.

#include <string>
#include <string_view>

#include "smtpd/session.h"

namespace smtpd {

// Makes the queue file (transaction.message) and says everything that is known by now: the client and the sender.
// Throws io::StreamError: no mail can be taken now.
void open_message(Session& session);

struct Delivery {
  std::string original_recipient;  // "rfc822;a@b"; empty: none
  int notify = 0;
};
void add_recipient(Session& session, std::string_view address, const Delivery& delivery);

// Ends the envelope, writes the Received header, and makes transaction.content.
void begin_content(Session& session);
// After the content, before finish(): what restrictions want done with the message.
void end_content(Session& session);

// The reply when cleanup is not there, or has gone: the client is to try again.
Next cannot_queue(Session& session, const io::StreamError& error);

}  // namespace smtpd
