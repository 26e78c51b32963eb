#pragma once
// What the SMTP server tells the log: one function a line that people and programs look for.

#include <string>
#include <string_view>

#include "restrictions/rules.h"
#include "smtpd/session.h"

namespace smtpd {

void log_connect(const Session& session);
void log_disconnect(const Session& session);  // with its statistics
void log_client(const Session& session);      // ID: client=...
// "ID: ACTION: STAGE from CLIENT: TEXT; from=<...> ..."
void log_action(const Session& session, std::string_view action, restrictions::Stage stage, std::string_view text);
// "lost connection", "timeout", "too many errors": "WHAT after WHERE from CLIENT".
void log_abnormal_end(const Session& session, std::string_view what, std::string_view where);

}  // namespace smtpd
