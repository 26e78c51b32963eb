// The words of TLS parameters: whatever is written there is understood or refused with a short reason, and what is
// understood keeps to its bounds.

#include <cstdint>
#include <cstdlib>

#include "tls/words.h"

namespace {

void require(bool truth) {
  if (!truth) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto protocols = tls::parse_protocols(text)) {
    require(protocols->lowest >= 0 && protocols->lowest <= 0x03ff && protocols->highest <= 0x03ff);
  } else {
    require(protocols.error().text.size() <= size + 200);
  }
  for (const auto kind : {tls::OptionKind::option, tls::OptionKind::workaround}) {
    if (const auto options = tls::parse_options(text, kind); !options) require(!options.error().text.empty());
  }
  if (const auto level = tls::parse_log_level(text)) require(*level >= 0 && *level <= 4);
  (void)tls::parse_grade(text);
  require(tls::cipher_list("HIGH", {text}).starts_with("HIGH"));
  if (tls::is_server_name(text)) {
    require(text.size() <= 255 && text.find('.') != 0);
    const auto keys = tls::server_name_keys(text);
    require(keys.front() == text && keys.size() <= text.size());
    for (const std::string& key : keys) require(text.ends_with(key));
  }
  return 0;
}
