#pragma once
// Endpoints: listening, accepting, connecting.

#include <expected>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/fd.h"
#include "io/wait.h"

namespace io {

// "inet:host:port", "inet:[v6]:port", "unix:path", or without a type what `default_type` says. The error names the
// text.
struct Endpoint {
  enum class Type { inet, unix_stream };
  Type type;
  std::string host;  // empty: any address
  std::string port;  // number or service name
  std::string path;
};
std::expected<Endpoint, base::Error> parse_endpoint(std::string_view text, std::string_view default_type = "inet");

// Tries each address of the host until the deadline. TCP_NODELAY is set; the descriptor is non-blocking and
// close-on-exec.
std::expected<base::Fd, base::Error> connect(const Endpoint& endpoint, Deadline deadline);

// Non-blocking, close-on-exec; SO_REUSEADDR; IPV6_V6ONLY. A unix path is replaced only when no one listens there.
std::expected<base::Fd, base::Error> listen(const Endpoint& endpoint, int backlog = 1024);

// Waits for a client. An fd of -1 in the result: the deadline passed. Transient errors (ECONNABORTED, ...) are waited
// out; EMFILE and its like are errors, after which the caller should pause.
std::expected<base::Fd, base::Error> accept(int listener, Deadline deadline);

// The client that waits already; without one an fd of -1, at once. The errors are those of accept().
std::expected<base::Fd, base::Error> accept_waiting(int listener);

// A connected pair of stream sockets, for tests and for talking to children.
struct Pair {
  base::Fd first;
  base::Fd second;
};
Pair socket_pair();

}  // namespace io
