#pragma once
// Inside the library: stands before a table of any type when keys and values must be UTF-8 (smtputf8_enable).

#include <memory>

#include "table/table.h"

namespace table {

// A key that is not UTF-8 is warned of and not found; a value that is not UTF-8 is warned of and a query error.
std::unique_ptr<Table> guard_utf8(std::unique_ptr<Table> table);

}  // namespace table
