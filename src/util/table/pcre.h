#pragma once
// Inside the library: the expressions of pcre tables.

#include <memory>

#include "table/expression_table.h"

namespace table {

std::unique_ptr<ExpressionLanguage> perl_expressions();

}  // namespace table
