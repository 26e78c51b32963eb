#pragma once
// main.cf as the SMTP server reads it, typed once.

#include <string>

#include "config/config.h"

namespace smtpd {

struct Settings {
  explicit Settings(const config::Config& config);  // throws config::BadValue
  const config::Config& config;
  // The parameters that a session asks for often become members here; the rest is read by way of `config`.
};

}  // namespace smtpd
