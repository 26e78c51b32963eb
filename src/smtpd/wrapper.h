#pragma once
// TLS around a session: begun by STARTTLS, or before the greeting.

#include "smtpd/session.h"

namespace smtpd {

// smtpd_tls_wrappermode: the handshake before the greeting. close: the session ends without one; what had to be said
// and logged has been. Throws StreamError.
Next begin_wrapped(Session& session);

// After a handshake: nothing counts any more that was said in the clear, where anyone may have said it.
void forget_what_came_in_the_clear(Session& session);

}  // namespace smtpd
