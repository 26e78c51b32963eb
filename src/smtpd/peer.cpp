#include "smtpd/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace smtpd {

namespace {

using Status = restrictions::Client::Status;

struct End {
  bool internet = false;
  std::string address, port;
};

// An IPv4 client of an IPv6 socket is an IPv4 client.
End end_of(int fd, int (*ask)(int, sockaddr*, socklen_t*)) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (ask(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return {};
  char text[INET6_ADDRSTRLEN] = "";
  if (storage.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return {true, text, std::to_string(ntohs(v4.sin_port))};
  }
  if (storage.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
      ::inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text, sizeof text);
    else
      ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    return {true, text, std::to_string(ntohs(v6.sin6_port))};
  }
  return {};
}

}  // namespace

restrictions::Client addresses_of(int fd) {
  restrictions::Client client;
  const End own = end_of(fd, ::getsockname);
  const End peer = end_of(fd, ::getpeername);
  if (!own.internet) {
    client.name = client.reverse_name = "localhost";
    client.address = client.server_address = "127.0.0.1";
    client.port = client.server_port = "0";
    client.name_status = client.reverse_status = Status::found;
    return client;
  }
  client.server_address = own.address;
  client.server_port = own.port;
  // Who has broken the connection already is nobody, and least of all this machine.
  client.address = peer.internet ? peer.address : "unknown";
  if (peer.internet) client.port = peer.port;
  return client;
}

}  // namespace smtpd
