// The input is a text that refers to itself, as x, and to a few values.
#include <cstdint>
#include <cstdlib>

#include "config/expand.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const config::RawLookup lookup = [&](std::string_view name) -> std::optional<std::string_view> {
    if (name == "x") return text;
    if (name == "e") return "";
    if (name == "f") return "foo";
    if (name == "n") return "10";
    if (name == "v") return "3.6";
    return std::nullopt;
  };
  constexpr config::ExpandLimits kLimits{.depth = 100, .bytes = 65536};
  const auto result = config::expand(text, lookup, kLimits);
  if (result ? result->size() > kLimits.bytes : result.error().text.empty()) std::abort();
  // Text without a dollar stands for itself.
  if (!text.contains('$') && (!result || *result != text)) std::abort();
  int references = 0;
  config::for_each_reference(text, [&](std::string_view) { ++references; });
  if (references > 0 && !text.contains('$')) std::abort();
  return 0;
}
