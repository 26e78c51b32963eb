// A template file of any content is read or refused, and its texts expand or do not.

#include <string_view>

#include "config/bounce_templates.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);  // NOLINT: bytes as bytes
  auto templates = config::parse_bounce_templates(text, "bounce.cf");
  if (!templates) return 0;
  const config::BounceValues values{base::Seconds(7200), base::Seconds(432000), [](std::string_view name) {
                                      return std::optional<std::string>(name.substr(0, 8));
                                    }};
  for (const config::BounceTemplate& chosen : templates->templates) {
    (void)config::expand_bounce_text(chosen, values, templates->remarks);
  }
  return 0;
}
