// internal: an empty table in the memory of this process, for daemons that keep short-lived state.
#include "logging/log.h"
#include "table/memory_table.h"
#include "table/types.h"

namespace table {

namespace {

class InternalTable final : public MemoryTable {
 public:
  InternalTable(const std::string& argument, const Options& options)
      : MemoryTable("internal:" + argument, options), options_(options) {}

  std::expected<void, Error> update(std::string_view key, std::string_view value) override {
    if (options_.replace_duplicates) {
      put(key, value);
    } else if (!add(key, value) && !options_.ignore_duplicates) {
      logging::warning("table.duplicate_key", "{table}: duplicate entry: \"{key}\"", {{"table", name()}, {"key", key}});
    }
    return {};
  }

  std::expected<bool, Error> remove(std::string_view key) override { return erase(key); }

 private:
  Options options_;
};

}  // namespace

Opened open_internal(const std::string& argument, const Settings&, const Options& options) {
  return std::make_unique<InternalTable>(argument, options);
}

}  // namespace table
