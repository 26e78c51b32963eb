#pragma once
// Inside the library: proxy:unix:..., which knows accounts by name services that a chroot does not have. A process that
// has its root folder still asks them itself; in a chroot it asks the proxymap service.

#include <memory>
#include <string>

#include "table/open.h"
#include "table/table.h"

namespace table {

// `name` is what the service knows it by, "unix:passwd.byname".
std::unique_ptr<Table> proxied(std::unique_ptr<Table> direct, const std::string& name, const Settings& settings);

}  // namespace table
