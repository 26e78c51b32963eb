#pragma once
// The client's name, from its address: what the DNS says, both ways.

#include "dns/resolver.h"
#include "io/wait.h"
#include "restrictions/subject.h"

namespace restrictions {

// Sets the names and how they were found; the address is there already. Logs a name that does not lead back to the
// address.
void look_up_client_name(Client& client, dns::Resolver& resolver, io::Deadline deadline);

}  // namespace restrictions
