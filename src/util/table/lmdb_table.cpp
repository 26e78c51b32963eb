#include <optional>

#include "table/index_table.h"
#include "table/lmdb.h"

namespace table {

namespace {

constexpr std::string_view kSuffix = ".lmdb";

class LmdbTable : public IndexTable<LmdbFile> {
 public:
  LmdbTable(std::string name, LmdbFile file, const Options& options)
      : IndexTable(std::move(name), std::move(file), options, LockStyle::fcntl, true) {}

  // Changes within the file are seen at once; only another file needs another look at its name.
  bool has_changed() const override { return file().index().replaced(); }
};

// Each change is a transaction under an exclusive lock.
class WritableLmdbTable final : public LmdbTable {
 public:
  WritableLmdbTable(std::string name, LmdbFile file, const Settings& settings, const Options& options)
      : LmdbTable(std::move(name), std::move(file), options), map_size_(settings.lmdb_map_size) {}

  std::expected<void, Error> update(std::string_view key, std::string_view value) override {
    std::string stored_key = folded(key, options());
    std::string stored_value(value);
    if (form().writes_nul()) {
      stored_key.push_back('\0');
      stored_value.push_back('\0');
    }
    auto put = change([&] {
      return writer_->put(stored_key, stored_value, options().replace_duplicates ? 0U : unsigned{MDB_NOOVERWRITE});
    });
    if (!put) return std::unexpected(put.error());
    if (*put == LmdbWriter::Result::exists) on_duplicate(options(), name(), without_nul(stored_key));
    return {};
  }

  std::expected<bool, Error> remove(std::string_view key) override {
    std::string stored = folded(key, options());
    if (options().nul != NulForm::never) {
      stored.push_back('\0');
      auto removed = change([&] { return writer_->remove(stored); });
      if (!removed) return std::unexpected(removed.error());
      if (*removed == LmdbWriter::Result::done) return true;
      if (options().nul == NulForm::always) return false;
      stored.pop_back();
    }
    auto removed = change([&] { return writer_->remove(stored); });
    if (!removed) return std::unexpected(removed.error());
    return *removed == LmdbWriter::Result::done;
  }

 private:
  using Result = LmdbWriter::Result;

  template <typename Change>
  std::expected<Result, Error> change(Change change) {
    const IndexFile& index = file().index();
    auto lock = FileLock::take(index.fd(), LockStyle::fcntl, LockKind::exclusive, index.path());
    if (!lock) return std::unexpected(lock.error());
    if (index.replaced()) {
      return std::unexpected(Error{"write " + index.path() + ": the file was replaced since it was opened"});
    }
    if (!writer_) {
      auto opened = open_writer();
      if (!opened) return std::unexpected(opened.error());
    }
    while (true) {
      auto changed = attempt(change);
      if (!changed) writer_->abort();
      if (!changed || *changed != Result::map_full) return changed;
      auto larger = writer_->double_map();
      if (!larger) return std::unexpected(larger.error());
    }
  }

  template <typename Change>
  std::expected<Result, Error> attempt(Change& change) {
    auto begun = writer_->begin();
    if (!begun || *begun != Result::done) return begun;
    auto changed = change();
    if (!changed || *changed == Result::map_full) return changed;
    if (*changed != Result::done) {
      writer_->abort();
      return changed;
    }
    auto committed = writer_->commit();
    if (!committed || *committed != Result::done) return committed;
    return changed;
  }

  std::expected<void, Error> open_writer() {
    auto sound = file().check();
    if (!sound) return sound;
    const auto size = static_cast<std::size_t>(file().index().identity().size);
    auto writer =
        LmdbWriter::open(file().index().path(), name(), {.map_size = lmdb_map_size(map_size_, size + size / 4)});
    if (!writer) return std::unexpected(writer.error());
    writer_.emplace(std::move(*writer));
    return {};
  }

  long map_size_;
  std::optional<LmdbWriter> writer_;
};

}  // namespace

Opened open_lmdb(const std::string& argument, const Settings& settings, const Options& options) {
  auto index = IndexFile::open(argument + std::string(kSuffix), options.access);
  if (!index) return std::unexpected(index.error());
  auto lock = FileLock::take(index->fd(), LockStyle::fcntl, LockKind::shared, index->path());
  if (!lock) return std::unexpected(lock.error());
  auto file = LmdbFile::open(std::move(*index));
  if (!file) return std::unexpected(file.error());
  file->index().warn_if_older_than(argument);
  std::string name = "lmdb:" + argument;
  if (options.access == Access::read) return std::make_unique<LmdbTable>(std::move(name), std::move(*file), options);
  return std::make_unique<WritableLmdbTable>(std::move(name), std::move(*file), settings, options);
}

}  // namespace table
