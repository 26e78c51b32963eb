#pragma once
// Inside the library: the entries of a texthash table, from its text.

#include <memory>

#include "base/logical_lines.h"
#include "table/memory_table.h"

namespace table {

// Warns of lines that are no entries and of keys that stand twice; the first one counts. The error is that of reading.
std::expected<std::unique_ptr<MemoryTable>, Error> read_texthash(const std::string& argument,
                                                                 base::LogicalLineReader reader,
                                                                 const Options& options);

}  // namespace table
