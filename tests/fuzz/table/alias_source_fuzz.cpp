// The text of an alias file. The right side, once tidied, does not change when it is tidied again, but for domain
// literals, which lose a backslash each time, in Postfix as well.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "logging/log.h"
#include "table/source.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const logging::Capture quiet;
  table::Source source(text, "fuzz", table::SourceSyntax::alias, false);
  while (true) {
    const auto entry = source.next();
    if (!entry || !*entry) break;
    const auto again = table::parse_alias_line("x: " + (*entry)->value);
    if (!again || again->name != "x") std::abort();
    if ((*entry)->value.contains('[')) continue;
    const auto third = table::parse_alias_line("x: " + again->value);
    if (!third || third->value != again->value) std::abort();
  }
  return 0;
}
