#pragma once
// Inside the library: resolv.conf(5). Search lists are not followed: the mail system only asks for full names, and a
// client's name must not become one of ours by having our domain appended.

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace dns {

struct NameServer {
  std::string address;  // "127.0.0.1", "::1", "fe80::1%eth0"
  std::string port = "53";
  bool operator==(const NameServer&) const = default;
};

struct ResolvConf {
  std::vector<NameServer> servers;  // three at most; 127.0.0.1 when the file names none
  std::chrono::seconds timeout{5};
  int attempts = 2;
  bool rotate = false;
};

// Beyond the manual page, an address may carry a port: "127.0.0.1:5353", "[::1]:5353". What makes no sense is left out,
// as the C library does.
ResolvConf parse_resolv_conf(std::string_view text);

}  // namespace dns
