#include "restrictions/client_name.h"

#include "logging/log.h"
#include "mail/address.h"

namespace restrictions {

namespace {

using Status = Client::Status;

Status status_of(const dns::Failure& failure) {
  return failure.kind == dns::Failure::Kind::try_again ? Status::temporary : Status::not_found;
}

}  // namespace

void look_up_client_name(Client& client, dns::Resolver& resolver, io::Deadline deadline) {
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

}  // namespace restrictions
