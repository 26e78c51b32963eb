#pragma once
// What all sessions of the server share, as the library holds it: made of the settings and the files that they name.

#include <expected>
#include <string>
#include <vector>

#include "base/error.h"
#include "tls/openssl.h"
#include "tls/settings.h"

namespace tls {

struct Context {
  ContextPointer pointer;
  bool signs_slowly = false;  // one of the keys does
  bool tickets = false;
  std::vector<std::string> warnings;
};

// Reads the files. The error is why there can be no TLS. The settings must have no mistakes.
std::expected<Context, base::Error> make_context(const ServerSettings& settings, bool with_tickets);

// A CBC cipher with blocks of 128 bits and keys of 128 to 256 bits; null: it is none.
CipherPointer ticket_cipher(const std::string& name);

// "sha256" and the like; null: the library has none of that name.
DigestPointer digest(const std::string& name);

}  // namespace tls
