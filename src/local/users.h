#pragma once
// The accounts of this machine.

#include <expected>
#include <optional>
#include <string>

#include "base/error.h"
#include "delivery/identity.h"

namespace local {

struct User {
  std::string name;
  delivery::Ids ids;
  std::string home;
  std::string shell;
};

// Nothing: there is no such account. The error: nobody can tell now. May wait for name services.
std::expected<std::optional<User>, base::Error> find_user(const std::string& name);

}  // namespace local
