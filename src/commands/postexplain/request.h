#pragma once
// The command line. Options have long names, because there are many of them and most are said once.

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace postexplain {

struct Client {
  std::string address;
  std::optional<std::string> name;  // nothing: look it up
};

struct Request {
  enum class What { route, session };
  What what = What::route;
  std::string config_directory;
  bool json = false;
  int verbosity = 0;
  std::string sender;  // internal form; empty: the null sender

  // route
  std::vector<std::string> addresses;

  // session
  Client client;
  std::optional<std::string> helo;
  std::string sasl_user;
  bool tls = false;
  std::vector<std::string> recipients;  // as written
  std::string service = "smtp";
  long size = 0;
  bool esmtp = true;
  bool dns = true;
  bool policy = true;
};

extern const std::string_view kUsage;

// The error is for people; whoever gets it prints the usage, too.
std::expected<Request, base::Error> understand(std::span<char*> arguments);

}  // namespace postexplain
