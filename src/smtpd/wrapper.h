#pragma once
// TLS around a session: begun by STARTTLS, or before the greeting.

#include "smtpd/session.h"

namespace smtpd {

// The handshake before the greeting, where smtpd_tls_wrappermode asks for it and it has not been yet. close: the
// session ends without a greeting; what had to be said and logged has been. Throws StreamError.
Next begin_wrapped(Session& session);

// After a handshake: nothing counts any more that was said in the clear, where anyone may have said it.
void forget_what_came_in_the_clear(Session& session);

}  // namespace smtpd
