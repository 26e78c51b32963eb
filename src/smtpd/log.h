#pragma once
// What the SMTP server tells the log: one function a line that people and programs look for.

#include <string>
#include <string_view>

#include "smtpd/session.h"

namespace smtpd {

void log_connect(const Session& session);
void log_disconnect(const Session& session);  // with its statistics
void log_client(const Session& session);      // ID: client=...
// "ID: ACTION: COMMAND from CLIENT: TEXT; from=<...> ..."
void log_action(const Session& session, std::string_view action, std::string_view text);
inline void log_refusal(const Session& session, std::string_view text) {
  log_action(session, "reject", text);
}
// The first hundred bytes, as in C source: what a client sent, on one line.
std::string escaped(std::string_view bytes);

// What a client sent, up to what it may have to keep secret: the response behind AUTH and its mechanism.
std::string without_secrets(std::string_view bytes);
constexpr std::string_view kNotShown = "(not shown)";

// Old defaults that made a difference (config/old_defaults.h), with what the client gave them.
void log_old_order(const Session& session);
void log_old_utf8(const Session& session, std::string_view role, std::string_view address);

void log_pipelining(const Session& session, std::string_view command, std::string_view waiting);
void log_bad_address(const Session& session, std::string_view command, std::string_view typed);
// "lost connection", "timeout", "too many errors": "ID: WHAT after COMMAND from CLIENT".
void log_abnormal_end(const Session& session, std::string_view what);

}  // namespace smtpd
