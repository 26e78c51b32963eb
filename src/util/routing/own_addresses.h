#pragma once
// The IP addresses at which this machine gets mail: inet_interfaces, and proxy_interfaces in front of it.

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace routing {

class OwnAddresses {
 public:
  // Throws config::BadValue.
  explicit OwnAddresses(const config::Config& config);

  // [192.0.2.1] or [ipv6:2001:db8::1], with its brackets.
  bool has(std::string_view literal) const;

 private:
  std::vector<std::string> addresses_;  // as inet_ntop writes them
};

}  // namespace routing
