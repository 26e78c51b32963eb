#include "master/wakeup.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>

namespace master {

namespace {

Sent wake_inet(const Endpoint& endpoint) {
  base::Fd fd(::socket(endpoint.is_ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return {};
  int result = 0;
  // The wildcard addresses lead to this machine.
  if (endpoint.is_ipv6) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(static_cast<std::uint16_t>(endpoint.port));
    ::inet_pton(AF_INET6, endpoint.address.c_str(), &address.sin6_addr);
    result = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  } else {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(endpoint.port));
    ::inet_pton(AF_INET, endpoint.address.c_str(), &address.sin_addr);
    result = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  if (result != 0 && errno == EINPROGRESS) return {std::move(fd)};
  if (result == 0) finish_wakeup(fd.get());
  return {};
}

void wake_unix(const Endpoint& endpoint) {
  const bool is_stream = endpoint.kind == Endpoint::Kind::unix_stream;
  const base::Fd fd(::socket(AF_UNIX, (is_stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  endpoint.path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) finish_wakeup(fd.get());
}

}  // namespace

Sent send_wakeup(const Endpoint& endpoint, int listener) {
  switch (endpoint.kind) {
    case Endpoint::Kind::inet:
      return wake_inet(endpoint);
    case Endpoint::Kind::unix_stream:
    case Endpoint::Kind::unix_datagram:
      wake_unix(endpoint);
      return {};
    case Endpoint::Kind::fifo:
      if (::write(listener, kWakeup, sizeof kWakeup) < 0) return {};  // full: there is enough to wake up for
      return {};
  }
  return {};
}

void finish_wakeup(int fd) {
  (void)::send(fd, kWakeup, sizeof kWakeup, MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace master
