#pragma once
// Looks up for others what they cannot see: the accounts of the machine, for servers in a chroot. The requests and
// answers are those of socketmap servers: "<type>:<name> <key>"; "OK <value>", "NOTFOUND ", "TEMP <reason>",
// "PERM <reason>".

#include <memory>

#include "service/service.h"

namespace proxymap {

std::unique_ptr<service::Server> open(const service::Context& context);

}  // namespace proxymap
