#pragma once
// -q and -s: prints what tables have.

#include "config/config.h"
#include "postmap/request.h"

namespace postmap {

// 0 when a table had the key, or one of the keys from standard input: for each key the first table that has it answers.
int query_tables(const Request& request, const config::Config& config);

// -s: the entries of the first table named, in the table's order.
int list_table(const Request& request, const config::Config& config);

}  // namespace postmap
