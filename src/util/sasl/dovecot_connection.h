#pragma once
// A kept connection to Dovecot's auth service, on which many attempts run at the same time.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "io/fiber.h"
#include "io/socket.h"
#include "io/stream.h"
#include "sasl/dovecot_protocol.h"

namespace sasl::dovecot {

class Connection {
 public:
  // Connects and reads the greeting. The error is a whole warning. Only inside a fiber.
  static std::expected<std::shared_ptr<Connection>, base::Error> make(const io::Endpoint& endpoint,
                                                                      const std::string& name, io::Deadline deadline);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  const std::vector<Mechanism>& mechanisms() const { return mechanisms_; }
  bool usable() const { return !lost_; }

  // A number that no attempt on this connection has had.
  unsigned new_id() { return next_id_++; }
  // Sends a line about attempt `id` and waits for the answer about it: ok, fail or challenge. Nothing: the connection
  // is lost, or the answer did not come in time.
  std::optional<Line> ask(unsigned id, std::string_view line, io::Deadline deadline);
  // An attempt that is given up.
  void cancel(unsigned id) noexcept;
  // Ends it for all who use it.
  void lose() noexcept;

 private:
  struct Waiting {
    io::Condition answered;
    std::optional<Line> answer;
  };
  Connection(io::Stream stream, Greeting greeting);
  bool send(std::string_view text, io::Deadline deadline);
  void read();

  io::Stream stream_;
  std::vector<Mechanism> mechanisms_;
  int minor_;
  unsigned next_id_ = 1;
  std::map<unsigned, Waiting*> waiting_;
  io::Semaphore turn_{1};  // to write
  io::Clock::time_point last_heard_;
  bool lost_ = false;
  bool sending_ = false;
};

}  // namespace sasl::dovecot
