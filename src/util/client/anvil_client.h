#pragma once
// Counting what clients do, over all processes of a service (anvil).

#include <optional>
#include <string>

#include "io/wait.h"
#include "ipc/channel.h"

namespace client {

// Of the current time unit (anvil_rate_time_unit), but for `connections`, which is now.
struct AnvilCounts {
  int connections = 0, connection_rate = 0, messages = 0, recipients = 0, new_tls = 0, auths = 0;
};

// What is counted. connect must be followed by one disconnect; the connection to anvil does that if the process dies.
enum class AnvilEvent { connect, disconnect, message, recipient, new_tls, auth, look };

class AnvilClient {
 public:
  AnvilClient(ipc::Pool& pool, std::string socket_path, io::Clock::duration timeout);

  // `range` is "service:address" or, for accounts, "service:sasl:username". Nothing: anvil cannot be asked (warned of
  // once a while); the session goes on without limits, as in Postfix.
  std::optional<AnvilCounts> count(std::string_view range, AnvilEvent event, int by = 1);

 private:
  ipc::Pool* pool_;
  std::string path_;
  io::Clock::duration timeout_;
};

}  // namespace client
