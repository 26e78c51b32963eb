#pragma once
// How much of what a client may do: counted in the session, and with anvil over all sessions.

#include <array>
#include <cstddef>
#include <string>

namespace smtpd {

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

}  // namespace smtpd
