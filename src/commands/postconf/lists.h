#pragma once
// The lists that depend on how the mail system was built, not on its configuration: -a, -A, -l, -m and -T.

#include <optional>
#include <string>
#include <string_view>

namespace postconf {

std::string server_sasl_types();
std::string client_sasl_types();
std::string lock_methods();
std::string table_types();

// Nothing for a mode that does not exist. OpenSSL's library is loaded only here, and only for the modes that ask it;
// throws base::Fatal when it cannot be.
std::optional<std::string> tls_text(std::string_view mode);

}  // namespace postconf
