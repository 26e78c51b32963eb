// cidr tables: no rule may do harm, and the index must answer as trying each rule in turn does.
#include "table/cidr.h"

#include <cstdlib>

#include "../table/split_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const table::SplitInput input(data, size);
  auto read = table::CidrTable::read("x", table::RuleLines::of_text("cidr", input.text, "x"));
  if (!read) return 0;
  const table::Answer indexed = (*read)->lookup(input.key);
  const table::Answer plain = (*read)->lookup_without_index(input.key);
  if (!indexed || !plain || *indexed != *plain) std::abort();
  return 0;
}
