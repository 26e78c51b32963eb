#pragma once
// Connections that another process accepted and hands over, with what it knows about them.

#include <expected>

#include "base/error.h"
#include "io/wait.h"
#include "service/service.h"

namespace service {

// From a connection to a `pass` service: an attribute list and a descriptor (SCM_RIGHTS, with a byte of its own), in
// either order. The descriptor comes back non-blocking, close-on-exec, with TCP_NODELAY.
std::expected<Client, base::Error> receive_passed(base::Fd connection, io::Deadline deadline);

// name NUL value NUL ... NUL, also with Postfix's braces around it. Nothing when the list is not whole yet.
std::optional<std::vector<std::pair<std::string, std::string>>> parse_passed_attributes(std::string_view bytes);

}  // namespace service
