#pragma once
// Inside the library: entries in memory (texthash, inline, internal), with the key folding that all fixed keys share.

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "table/open.h"
#include "table/table.h"

namespace table {

class MemoryTable : public Table {
 public:
  MemoryTable(std::string name, const Options& options)
      : Table(std::move(name), KeyForm::fixed), fold_(options.folding == Folding::key), utf8_(options.utf8) {}

  Answer lookup(std::string_view key) override;
  std::expected<void, Error> for_each(const std::function<bool(const Entry&)>& each) override;

  // False when there is such a key already; it keeps its value.
  bool add(std::string_view key, std::string_view value);
  void put(std::string_view key, std::string_view value);  // replaces
  bool erase(std::string_view key);
  std::size_t size() const { return entries_.size(); }

 private:
  std::string folded(std::string_view key) const;

  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::unordered_map<std::string, std::string, Hash, std::equal_to<>> entries_;
  bool fold_;
  bool utf8_;
};

}  // namespace table
