#pragma once
// A main.cf in which nothing depends on the machine.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "config/config.h"

namespace routing {

inline config::Config config_with(std::string_view settings = "") {
  auto config = config::Config::from_text(
      "myhostname = mx.fmt.test\nmydomain = fmt.test\nmyorigin = fmt.test\nmydestination = fmt.test, mx.fmt.test\n"
      "inet_interfaces = loopback-only\ncompatibility_level = 3.6\n" +
      std::string(settings));
  if (!config) throw std::runtime_error(config.error().text);
  return std::move(*config);
}

}  // namespace routing
