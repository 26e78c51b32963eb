#pragma once
// Inside the library: look-ups and listings of an index file, whatever its format.

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "table/index_file.h"
#include "table/types.h"

namespace table {

// `File` finds and lists entries as they are stored: find(key), for_each(each), index(). Where `style` names a lock,
// the caller's options say whether each look-up takes it; without one, nobody changes such files in place.
template <typename File>
class IndexTable : public Table {
 public:
  IndexTable(std::string name, File file, const Options& options, std::optional<LockStyle> style, bool nul_by_default)
      : Table(std::move(name), KeyForm::fixed),
        file_(std::move(file)),
        options_(options),
        style_(style),
        form_(options.nul, nul_by_default) {}

  Answer lookup(std::string_view key) override {
    if (key.empty()) return std::nullopt;
    std::string stored = folded(key, options_);
    auto lock = lock_for_reading();
    if (!lock) return std::unexpected(query_error(name(), lock.error().text));
    auto found = form_.find(stored, [&](std::string_view form) { return file_.find(form); });
    std::optional<std::string> value;
    if (found && *found) value = without_nul(**found);
    // What was found has been read; what is "damaged" or "not there" may be so because the file is not all there.
    if (auto whole = file_.index().check_whole(!value); !whole) {
      return std::unexpected(query_error(name(), whole.error().text));
    }
    if (!found) return std::unexpected(query_error(name(), found.error().text, found.error().permanent));
    return value;
  }

  std::expected<void, Error> for_each(const std::function<bool(const Entry&)>& each) override {
    auto lock = lock_for_reading();
    if (!lock) return std::unexpected(lock.error());
    Entry entry;
    auto listed = file_.for_each([&](std::string_view key, std::string_view value) {
      entry.first = without_nul(key);
      entry.second = without_nul(value);
      return each(entry);
    });
    if (auto whole = file_.index().check_whole(!listed); !whole) return std::unexpected(whole.error());
    return listed;
  }

  bool has_changed() const override { return file_.index().changed(); }

 protected:
  const Options& options() const { return options_; }
  StoredForm& form() { return form_; }
  File& file() { return file_; }
  const File& file() const { return file_; }

 private:
  std::expected<std::optional<FileLock>, Error> lock_for_reading() {
    std::optional<FileLock> lock;
    if (!style_ || !options_.lock_lookups) return lock;
    auto taken = FileLock::take(file_.index().fd(), *style_, LockKind::shared, file_.index().path());
    if (!taken) return std::unexpected(taken.error());
    lock.emplace(std::move(*taken));
    return lock;
  }

  File file_;
  Options options_;
  std::optional<LockStyle> style_;
  StoredForm form_;
};

}  // namespace table
