// Whatever a datagram holds, it becomes one line of text.

#include <cstdint>
#include <cstdlib>

#include "base/text.h"
#include "logging/line_pipe.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view datagram(reinterpret_cast<const char*>(data), size);
  const logging::Identity identity{"postlogd", "postfix", "mx"};
  for (const auto form : {logging::Form::text, logging::Form::json}) {
    const std::string line = logging::line_of(datagram, form, identity);
    for (const char c : line) {
      if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') std::abort();
    }
    if (!base::is_valid_utf8(line)) std::abort();
    if (form == logging::Form::text && line.size() > size) std::abort();
    if (form == logging::Form::json && (line.empty() || line.front() != '{')) std::abort();
  }
  return 0;
}
