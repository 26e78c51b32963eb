#pragma once
// Inside the library: a policy service, asked over connections that are kept. Many fibers may ask at once, each over
// a connection of its own.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time_units.h"
#include "io/fiber.h"
#include "io/socket.h"
#include "io/stream.h"

namespace restrictions {

class PolicyClient {
 public:
  struct Settings {
    std::string name;  // in messages: "127.0.0.1:9998", "private/policy"
    io::Endpoint endpoint;
    base::Seconds timeout, max_idle, max_ttl, retry_delay;
    int try_limit = 1;
    int request_limit = 0;             // of one connection; 0: none
    std::size_t most_connections = 1;  // at the same time; who comes later waits
  };
  explicit PolicyClient(Settings settings);
  ~PolicyClient();

  // The action. Nothing: nobody could tell; the log says why.
  std::optional<std::string> ask(std::string_view request) const;

 private:
  struct Connection;
  struct State;
  std::optional<std::string> ask_over(Connection& connection, std::string_view request) const;
  std::unique_ptr<Connection> open() const;
  std::unique_ptr<Connection> take_idle() const;
  void keep(std::unique_ptr<Connection> connection) const;

  Settings settings_;
  std::unique_ptr<State> state_;
};

}  // namespace restrictions
