#pragma once
// Who is at the other end: addresses from the descriptor, names from the DNS.

#include "dns/resolver.h"
#include "io/wait.h"
#include "restrictions/client_name.h"
#include "restrictions/subject.h"

namespace smtpd {

// Addresses and ports of both ends, without names; what is no Internet socket (sendmail -bs, tests) is
// localhost[127.0.0.1], a client that is gone already unknown[unknown].
restrictions::Client addresses_of(int fd);

// Sets the names and how they were found: for clients with an address, when smtpd_peername_lookup says so. Whose name
// is known already (at a UNIX socket) keeps it. Warns of a name that does not lead back to the address.
inline void look_up_name(restrictions::Client& client, dns::Resolver& resolver, io::Deadline deadline) {
  if (client.name_status != restrictions::Client::Status::found)
    restrictions::look_up_client_name(client, resolver, deadline);
}

}  // namespace smtpd
