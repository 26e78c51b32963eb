#pragma once
// Listening sockets and FIFOs.

#include <expected>
#include <optional>
#include <string>

#include "base/fd.h"
#include "master/endpoints.h"
#include "master/plan.h"

namespace master {

// Why it cannot be had: errno is kept, since EADDRINUSE has a remedy.
struct ListenError {
  int number;
  std::string text;
};

// Non-blocking and close-on-exec; paths are relative to the working directory. What is left of an earlier master at the
// path is replaced; anything that is not of this kind stays, and is an error. With an owner, the socket is made with
// its rights alone (its directories belong to it) and belongs to it. Mode 0666: the directory decides who gets there.
std::expected<base::Fd, ListenError> listen_at(const Endpoint& endpoint, const std::optional<Owner>& owner);

// Why no socket can have an inet endpoint's address, whatever its port; empty when one can.
std::string problem_of_address(const Endpoint& endpoint);

// Nobody can connect any more, whoever holds copies of the descriptor; the place is free. `unlinks`: what is at its
// path is it still.
void stop_listening(int fd, const Endpoint& endpoint, const std::optional<Owner>& owner, bool unlinks);

// Acts with the effective ids of the owner while it lives.
class AsOwner {
 public:
  explicit AsOwner(const std::optional<Owner>& owner);  // throws base::Fatal
  AsOwner(const AsOwner&) = delete;
  AsOwner& operator=(const AsOwner&) = delete;
  ~AsOwner();

 private:
  bool switched_ = false;
  gid_t group_before_ = 0;
};

}  // namespace master
