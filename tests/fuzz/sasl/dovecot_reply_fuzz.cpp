// Whatever an auth server sends, line by line: nothing breaks, and what is kept stays within its bounds.

#include <cstdint>
#include <cstdlib>

#include "sasl/dovecot_protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sasl::dovecot;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  Greeting greeting;
  bool greeted = false;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string_view text = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    const Line line = parse_line(text);
    if (line.user.size() > 1024 || line.reason.size() > 1024 || line.mechanism.name.size() > 64) std::abort();
    if (line.data && line.data->size() > text.size()) std::abort();
    if (!greeted) {
      const auto state = greeting.take(line);
      if (!state) return 0;
      greeted = *state == Greeting::State::complete;
      if (greeting.mechanisms.size() > kMostMechanisms) std::abort();
    }
    const std::optional<std::string> initial(line.reason);
    const std::string request =
        request_line({line.id, line.mechanism.name, line.user, line.reason, text, false, &initial});
    if (request.find('\n') != request.size() - 1) std::abort();
  }
  return 0;
}
