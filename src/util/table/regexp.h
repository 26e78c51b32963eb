#pragma once
// Inside the library: the expressions of regexp tables.

#include <memory>

#include "table/expression_table.h"

namespace table {

std::unique_ptr<ExpressionLanguage> posix_expressions();

}  // namespace table
