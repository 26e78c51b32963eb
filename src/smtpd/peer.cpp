#include "smtpd/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace smtpd {

namespace {

struct Place {
  std::string address, port;
};

// An IPv4 client of an IPv6 socket is an IPv4 client.
std::optional<Place> place_of(const sockaddr_storage& from) {
  char text[INET6_ADDRSTRLEN] = "";
  if (from.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(from);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return Place{text, std::to_string(ntohs(v4.sin_port))};
  }
  if (from.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(from);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
      ::inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text, sizeof text);
    else
      ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    return Place{text, std::to_string(ntohs(v6.sin6_port))};
  }
  return std::nullopt;
}

std::optional<Place> end_of(int fd, int (*ask)(int, sockaddr*, socklen_t*)) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (ask(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return std::nullopt;
  return place_of(storage);
}

}  // namespace

restrictions::Client addresses_of(int fd) {
  restrictions::Client client;
  const auto peer = end_of(fd, ::getpeername);
  const auto own = end_of(fd, ::getsockname);
  if (!peer || !own) {
    client.name = client.reverse_name = "localhost";
    client.address = client.server_address = "127.0.0.1";
    client.port = client.server_port = "0";
    client.name_status = client.reverse_status = restrictions::Client::Status::found;
    return client;
  }
  client.address = peer->address;
  client.port = peer->port;
  client.server_address = own->address;
  client.server_port = own->port;
  return client;
}

void look_up_name(restrictions::Client&, dns::Resolver&, io::Deadline) {}

}  // namespace smtpd
