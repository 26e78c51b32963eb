// Text tables: no line may do harm, and every entry that is taken is found again.
#include "table/texthash.h"

#include <cstdlib>

#include "../table/split_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const table::SplitInput input(data, size);
  for (const bool utf8 : {false, true}) {
    const table::Options options{.utf8 = utf8};
    const auto read =
        table::read_texthash("x", base::LogicalLineReader(input.text, "x", base::kTableLineLimits), options);
    if (!read) continue;
    table::MemoryTable& texthash = **read;
    (void)texthash.lookup(input.key);
    (void)texthash.for_each([&](const table::Entry& entry) {
      const auto found = texthash.lookup(entry.first);
      // Folding what is folded changes nothing, but for the few characters that Unicode folds in two steps.
      if (found && !*found && !utf8) std::abort();
      if (entry.first.empty() || entry.second.empty()) std::abort();
      return true;
    });
  }
  return 0;
}
