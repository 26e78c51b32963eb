// pcre tables: no rule may do harm, and the filter must answer as trying each rule in turn does.
#include "table/pcre.h"

#include <cstdlib>

#include "../table/split_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 1024) return 0;  // long expressions only take long
  const table::SplitInput input(data, size);
  auto read = table::ExpressionTable::read("x", table::RuleLines::of_text("pcre", input.text, "x"),
                                           table::perl_expressions(), true);
  if (!read) return 0;
  const table::Answer filtered = (*read)->lookup(input.key);
  const table::Answer plain = (*read)->lookup_without_filter(input.key);
  if (!filtered || !plain || *filtered != *plain) std::abort();
  return 0;
}
