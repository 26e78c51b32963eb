#include "table/cdb_file.h"
#include "table/types.h"

namespace table {

namespace {

class CdbTable final : public Table {
 public:
  CdbTable(std::string name, CdbFile file, const Options& options)
      : Table(std::move(name), KeyForm::fixed), file_(std::move(file)), options_(options), form_(options.nul, false) {}

  Answer lookup(std::string_view key) override {
    if (key.empty()) return std::nullopt;
    std::string stored = folded(key, options_);
    auto found = form_.find(stored, [&](std::string_view form) { return file_.find(form); });
    if (!found) return std::unexpected(query_error(name(), found.error().text, found.error().permanent));
    if (!*found) return std::nullopt;
    return std::string(without_nul(**found));
  }

  std::expected<void, Error> for_each(const std::function<bool(const Entry&)>& each) override {
    Entry entry;
    return file_.for_each([&](std::string_view key, std::string_view value) {
      entry.first = without_nul(key);
      entry.second = without_nul(value);
      return each(entry);
    });
  }

  bool has_changed() const override { return file_.index().changed(); }

 private:
  CdbFile file_;
  Options options_;
  StoredForm form_;
};

}  // namespace

Opened open_cdb(const std::string& argument, const Settings&, const Options& options) {
  if (options.access == Access::read_write) {
    return std::unexpected(
        Error{"dict_cdb_open: inappropriate open flags for cdb database - specify O_RDONLY or O_WRONLY|O_CREAT|O_TRUNC",
              true});
  }
  auto index = IndexFile::open(argument + ".cdb", Access::read);
  if (!index) return std::unexpected(index.error());
  auto file = CdbFile::open(std::move(*index));
  if (!file) return std::unexpected(file.error());
  file->index().warn_if_older_than(argument);
  return std::make_unique<CdbTable>("cdb:" + argument, std::move(*file), options);
}

}  // namespace table
