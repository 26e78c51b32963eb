#pragma once
// The moment in which mail becomes ours, by DATA or by BDAT.

#include <optional>

#include "smtpd/session.h"

namespace smtpd {

// Before the first byte of content: smtpd_data_restrictions. Nothing: the client may send it.
std::optional<Next> refused_content(Session& session);

// smtpd_forbid_bare_newline = reject, for what has come of the content. Nothing: it may go on.
std::optional<Next> refused_bare_newlines(Session& session);

// The content is complete. Restrictions are asked, cleanup is told, the client is answered; the transaction is over.
Next end_of_message(Session& session);

}  // namespace smtpd
