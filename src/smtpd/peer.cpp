#include "smtpd/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "logging/log.h"
#include "mail/address.h"

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

Status status_of(const dns::Failure& failure) {
  return failure.kind == dns::Failure::Kind::try_again ? Status::temporary : Status::not_found;
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

void look_up_name(restrictions::Client& client, dns::Resolver& resolver, io::Deadline deadline) {
  client.name = client.reverse_name = "unknown";
  client.name_status = client.reverse_status = Status::not_found;
  const dns::Answer found = resolver.name_of(client.address, deadline);
  if (!found) {
    client.name_status = client.reverse_status = status_of(found.error());
    return;
  }
  const std::string& name = found->front().data;
  if (mail::is_numeric_domain(name)) {
    logging::warning("smtpd.numeric_name", "numeric hostname: {name}", {{"name", name}});
    return;
  }
  if (!mail::is_valid_hostname(name)) return;
  client.reverse_name = name;
  client.reverse_status = Status::found;

  // Anybody may claim any name; only the name's owner can say that it has this address.
  const auto families = client.is_ipv6() ? dns::Resolver::Families::ipv6 : dns::Resolver::Families::ipv4;
  const dns::Answer addresses = resolver.addresses_of(name, families, deadline);
  if (!addresses) {
    client.name_status = status_of(addresses.error());
    logging::warning(
        "smtpd.unconfirmed_name", "hostname {name} does not resolve to address {address}: {reason}",
        {{"name", name}, {"address", client.address}, {"reason", dns::system_words(addresses.error().kind)}});
    return;
  }
  for (const dns::Record& record : *addresses) {
    if (record.data != client.address) continue;
    client.name = name;
    client.name_status = Status::found;
    return;
  }
  client.name_status = Status::forged;
  logging::warning("smtpd.unconfirmed_name", "hostname {name} does not resolve to address {address}",
                   {{"name", name}, {"address", client.address}});
}

}  // namespace smtpd
