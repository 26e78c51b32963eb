#pragma once
// smtpd_sasl_security_options and its kin.

#include <expected>
#include <string_view>

#include "base/error.h"

namespace sasl {

struct SecurityOptions {
  bool no_plaintext = false;
  bool no_active = false;
  bool no_dictionary = false;
  bool no_anonymous = false;
  bool forward_secrecy = false;
  bool mutual_auth = false;
};

std::expected<SecurityOptions, base::Error> parse_security_options(std::string_view text);

}  // namespace sasl
