#include "sasl/security_options.h"

#include <fmt/format.h>

#include "base/text.h"

namespace sasl {

namespace {

struct Row {
  std::string_view word;
  bool SecurityOptions::* option;
};
constexpr Row kRows[] = {
    {"noplaintext", &SecurityOptions::no_plaintext},        {"noactive", &SecurityOptions::no_active},
    {"nodictionary", &SecurityOptions::no_dictionary},      {"noanonymous", &SecurityOptions::no_anonymous},
    {"forward_secrecy", &SecurityOptions::forward_secrecy}, {"mutual_auth", &SecurityOptions::mutual_auth},
};

}  // namespace

std::expected<SecurityOptions, base::Error> parse_security_options(std::string_view text) {
  SecurityOptions options;
  for (const std::string_view word : base::split(text)) {
    bool known = false;
    for (const Row& row : kRows) {
      if (!base::equals_folded(word, row.word)) continue;
      options.*row.option = true;
      known = true;
    }
    if (!known) {
      return std::unexpected(
          base::Error{fmt::format("unknown SASL security options value \"{}\" in \"{}\"", word, text)});
    }
  }
  return options;
}

}  // namespace sasl
