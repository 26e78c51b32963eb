#pragma once
// Domains in UTF-8, and what the DNS knows them by.

#include <optional>
#include <string>
#include <string_view>

namespace mail {

// In A-labels; an ASCII domain stays as it is. Also of symbols, which IDNA 2008 forbids and registries sell. Nothing:
// it is no name.
std::optional<std::string> ascii_domain(std::string_view domain);

}  // namespace mail
