// The text of a table, and what its entries look like to the index types: what a source gives can be asked for again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/text.h"
#include "logging/log.h"
#include "table/source.h"
#include "table/source_files.h"
#include "table/text_entry.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const logging::Capture quiet;
  for (const bool utf8 : {true, false}) {
    table::Source source(text, "fuzz", table::SourceSyntax::map, utf8);
    while (true) {
      const auto entry = source.next();
      if (!entry || !*entry) break;
      const auto& [key, value, line] = **entry;
      if (key.empty() || value.empty() || line <= 0) std::abort();
      if (utf8 && !(base::is_valid_utf8(key) && base::is_valid_utf8(value))) std::abort();
      // An entry written as a line is the same entry.
      const std::string written = key + " " + value;
      const auto again = table::parse_text_entry(written);
      if (!again || again->key != key || again->value != value) std::abort();
    }
  }
  if (const auto content = table::decode_files(text)) {
    if (content->size() > size) std::abort();
  }
  return 0;
}
