#pragma once
// The moment in which mail becomes ours, by DATA or by BDAT.

#include "smtpd/session.h"

namespace smtpd {

// The content is complete. Restrictions are asked, cleanup is told, the client is answered; the transaction is over.
Next end_of_message(Session& session);

}  // namespace smtpd
