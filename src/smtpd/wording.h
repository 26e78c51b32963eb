#pragma once
// Replies as they go out, commands as they are taken: what main.cf changes of both.

#include <optional>
#include <string>
#include <string_view>

#include "smtpd/reply.h"

namespace smtpd {

struct Session;

// smtpd_reject_filter_maps, told in the log before and after. Before errors are counted.
Reply filtered(const Session& session, Reply reply);
// smtpd_reject_footer, smtpd_reject_footer_maps. The last thing that is done to a reply.
Reply with_footer(const Session& session, Reply reply);

// smtpd_command_filter, told in the log. Nothing, after a warning: the table cannot answer, and 421 4.3.0 "Server local
// data error" does.
std::optional<std::string> command_to_take(const Session& session, std::string_view command);

}  // namespace smtpd
