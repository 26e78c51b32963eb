#pragma once
// How much of what a client may do: counted in the session, and with anvil over all sessions.

#include <array>
#include <cstddef>
#include <optional>
#include <string>

#include "smtpd/reply.h"

namespace smtpd {

struct Session;

struct Counters {
  struct OfCommand {
    int total = 0;
    int ok = 0;  // answered with 2xx or 3xx
  };
  std::array<OfCommand, 20> commands{};  // by place in the table of commands
  int errors = 0;                        // since the last message that was accepted
  int junk = 0;
  int recipients_over_limit = 0;
  int history = 0;
};

// Whose counts anvil keeps for this client: its network ("smtp:192.0.2.0/24"), empty when it is exempt
// (smtpd_client_event_limit_exceptions); and, once it has said who it is, its account.
struct Ranges {
  std::string client;
  std::string account;
};

// Each counts one event and gives the reply that refuses it, logged already; nothing: it may go on. Anvil is asked only
// when a limit is in force for this client.
namespace limits {
std::optional<Reply> at_connect(Session& session);  // also sets session.ranges
void at_disconnect(Session& session) noexcept;      // after at_connect, whatever it said
std::optional<Reply> of_messages(Session& session);
std::optional<Reply> of_recipients(Session& session);
std::optional<Reply> of_tls_sessions(Session& session);
std::optional<Reply> of_auth(Session& session);
}  // namespace limits

}  // namespace smtpd
