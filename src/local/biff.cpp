#include "local/biff.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

namespace local {

Biff::Biff() {
  const servent* const service = ::getservbyname("biff", "udp");
  if (service == nullptr) return;
  base::Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = static_cast<in_port_t>(service->s_port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr generic{};
  static_assert(sizeof generic == sizeof address);
  std::memcpy(&generic, &address, sizeof address);
  if (fd && ::connect(fd.get(), &generic, sizeof generic) == 0) socket_ = std::move(fd);
}

void Biff::tell(std::string_view user, std::int64_t offset) const {
  if (!socket_) return;
  const std::string text = fmt::format("{}@{}", user, offset);
  // A refusal of the last one is told to the next one: that one is sent again.
  if (::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0) {
    (void)::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
  }
}

}  // namespace local
