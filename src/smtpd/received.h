#pragma once
// The Received header of a session's message.

#include <ctime>
#include <string>
#include <vector>

#include "smtpd/session.h"

namespace smtpd {

// Its physical lines.
std::vector<std::string> received_header(const Session& session, std::time_t now);

}  // namespace smtpd
