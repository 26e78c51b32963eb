#pragma once
// Mail that cannot be accepted, from a client who cannot tell its sender (pickup): cleanup returns it.

#include "cleanup/session.h"

namespace cleanup {

// Writes a bounce log entry and a log line for each recipient in the file, and has bounce(8) send the notice. The
// result is ok when that is done; otherwise WRITE: the client keeps the message.
client::CleanupResult return_mail(const Shared& shared, Transaction& transaction, queue::MessageWriter& writer);

}  // namespace cleanup
