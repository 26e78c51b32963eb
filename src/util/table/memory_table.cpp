#include "table/memory_table.h"

#include "table/fold.h"

namespace table {

std::string MemoryTable::folded(std::string_view key) const {
  return fold_ ? fold_key(key, utf8_) : std::string(key);
}

Answer MemoryTable::lookup(std::string_view key) {
  const auto found = entries_.find(folded(key));
  if (key.empty() || found == entries_.end()) return std::nullopt;
  return found->second;
}

std::expected<void, Error> MemoryTable::for_each(const std::function<bool(const Entry&)>& each) {
  for (const auto& [key, value] : entries_) {
    if (!each({key, value})) break;
  }
  return {};
}

bool MemoryTable::add(std::string_view key, std::string_view value) {
  return entries_.try_emplace(folded(key), value).second;
}

void MemoryTable::put(std::string_view key, std::string_view value) {
  entries_.insert_or_assign(folded(key), value);
}

bool MemoryTable::erase(std::string_view key) {
  return entries_.erase(folded(key)) > 0;
}

}  // namespace table
