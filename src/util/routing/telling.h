#pragma once
// What the observer of a look-up hears.

#include <optional>

#include "routing/observer.h"
#include "table/list.h"
#include "table/search.h"

namespace routing {

inline void tell_lookup(Observer& observer, const table::TableList& tables, const table::SearchKey& key,
                        const std::optional<table::Hit>& found) {
  using Ask = table::TableList::Ask;
  if (!tables.asks(key.reach == table::KeyReach::all_tables ? Ask::all_tables : Ask::fixed_only)) return;
  if (found) observer.found_in(tables.last_table());
  observer.looked_up(tables.parameter(), key.key, found ? &found->value : nullptr);
}

}  // namespace routing
