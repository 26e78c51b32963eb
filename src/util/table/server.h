#pragma once
// Inside the library: a look-up server, and the connection to it that is kept between requests.

#include <chrono>
#include <expected>
#include <functional>
#include <optional>
#include <string>

#include "io/socket.h"
#include "io/stream.h"

namespace table {

class Server {
 public:
  static constexpr std::chrono::seconds kForever = std::chrono::hours(24 * 365 * 10);
  struct Times {
    std::chrono::seconds exchange{100};  // connecting and each request have this long
    // A connection that was idle for longer, or is older, is not used again.
    std::chrono::seconds idle = kForever;
    std::chrono::seconds lifetime = kForever;
  };
  Server(io::Endpoint endpoint, Times times) : endpoint_(std::move(endpoint)), times_(times) {}

  struct Failure {
    bool connecting;     // no connection was made
    std::string reason;  // "Connection refused"
  };
  // Sends and receives on a connection; what goes wrong with it is an io::StreamError, what the peer says wrong an
  // error of its own. The connection is kept unless it fails. One that the server ended since it was last used is made
  // again, once.
  using Exchange = std::function<std::expected<std::string, std::string>(io::Stream&)>;
  std::expected<std::string, Failure> ask(const Exchange& exchange);

 private:
  struct Connection {
    io::Stream stream;
    io::Clock::time_point made;
    io::Clock::time_point used;
  };
  std::optional<Connection> take_kept();

  io::Endpoint endpoint_;
  Times times_;
  // Taken out while in use, so that another fiber that asks meanwhile makes one of its own.
  std::optional<Connection> kept_;
};

}  // namespace table
