#pragma once
// Inside the library: a server that is asked with netstrings.

#include <memory>
#include <string>

#include "io/socket.h"
#include "table/open.h"
#include "table/table.h"

namespace table {

// The table `map` of the server at `endpoint`, which messages call `address`.
std::unique_ptr<Table> ask_socketmap(std::string address, std::string map, io::Endpoint endpoint,
                                     const Settings& settings);

}  // namespace table
