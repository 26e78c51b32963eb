#include <optional>

#include "table/berkeley_db.h"
#include "table/index_table.h"

namespace table {

namespace {

constexpr std::string_view kSuffix = ".db";

std::string_view type_name(BerkeleyKind kind) {
  return kind == BerkeleyKind::hash ? "hash" : "btree";
}

class BerkeleyTable : public IndexTable<BerkeleyFile> {
 public:
  BerkeleyTable(std::string name, BerkeleyKind kind, BerkeleyFile file, const Options& options)
      : IndexTable(std::move(name), std::move(file), options, LockStyle::flock, true), kind_(kind) {}

 protected:
  BerkeleyKind kind() const { return kind_; }

 private:
  BerkeleyKind kind_;
};

// Changes go to disk one by one, each under an exclusive lock, so that other processes may read, and write, in between.
class WritableBerkeleyTable final : public BerkeleyTable {
 public:
  WritableBerkeleyTable(std::string name, BerkeleyKind kind, BerkeleyFile file, const Settings& settings,
                        const Options& options)
      : BerkeleyTable(std::move(name), kind, std::move(file), options), cache_size_(settings.berkeley_db_read_buffer) {}

  std::expected<void, Error> update(std::string_view key, std::string_view value) override {
    std::string stored_key = folded(key, options());
    std::string stored_value(value);
    if (form().writes_nul()) {
      stored_key.push_back('\0');
      stored_value.push_back('\0');
    }
    return change([&]() -> std::expected<void, Error> {
      auto put = writer_->put(stored_key, stored_value, options().replace_duplicates);
      if (!put) return std::unexpected(put.error());
      if (*put == BerkeleyWriter::Put::exists) {
        on_duplicate(options(), file().index().path(), without_nul(stored_key));
      }
      return {};
    });
  }

  std::expected<bool, Error> remove(std::string_view key) override {
    std::string stored = folded(key, options());
    bool removed = false;
    auto changed = change([&]() -> std::expected<void, Error> {
      if (options().nul != NulForm::never) {
        stored.push_back('\0');
        auto with_nul = writer_->remove(stored);
        if (!with_nul) return std::unexpected(with_nul.error());
        removed = *with_nul;
        stored.pop_back();
      }
      if (removed || options().nul == NulForm::always) return {};
      auto without = writer_->remove(stored);
      if (!without) return std::unexpected(without.error());
      removed = *without;
      return {};
    });
    if (!changed) return std::unexpected(changed.error());
    return removed;
  }

 private:
  template <typename Change>
  std::expected<void, Error> change(Change change) {
    const IndexFile& index = file().index();
    auto lock = FileLock::take(index.fd(), LockStyle::flock, LockKind::exclusive, index.path());
    if (!lock) return std::unexpected(lock.error());
    if (index.replaced()) {
      return std::unexpected(Error{"write " + index.path() + ": the file was replaced since it was opened"});
    }
    auto fresh = open_writer();
    if (!fresh) return fresh;
    auto changed = change();
    if (changed) changed = writer_->sync();
    if (changed) {
      seen_ = FileIdentity::of(status());
    } else {
      writer_.reset();
    }
    return changed;
  }

  // libdb keeps pages in memory, which are wrong once another process has written to the file.
  std::expected<void, Error> open_writer() {
    if (writer_ && seen_.same_content(FileIdentity::of(status()))) return {};
    writer_.reset();
    auto sound = file().check();
    if (!sound) return sound;
    const std::string& path = file().index().path();
    auto writer = BerkeleyWriter::open(path, path, {.kind = kind(), .cache_size = cache_size_});
    if (!writer) return std::unexpected(writer.error());
    writer_.emplace(std::move(*writer));
    return {};
  }

  struct stat status() {
    struct stat status{};
    if (::fstat(file().index().fd(), &status) != 0) status = {};
    return status;
  }

  long cache_size_;
  std::optional<BerkeleyWriter> writer_;
  FileIdentity seen_;  // after our last change
};

Opened open_berkeley(BerkeleyKind kind, const std::string& argument, const Settings& settings, const Options& options) {
  auto index = IndexFile::open(argument + std::string(kSuffix), options.access);
  if (!index) return std::unexpected(index.error());
  auto lock = FileLock::take(index->fd(), LockStyle::flock, LockKind::shared, index->path());
  if (!lock) return std::unexpected(lock.error());
  auto file = BerkeleyFile::open(std::move(*index), kind);
  if (!file) return std::unexpected(file.error());
  file->index().warn_if_older_than(argument);
  std::string name = fmt::format("{}:{}", type_name(kind), argument);
  if (options.access == Access::read) {
    return std::make_unique<BerkeleyTable>(std::move(name), kind, std::move(*file), options);
  }
  return std::make_unique<WritableBerkeleyTable>(std::move(name), kind, std::move(*file), settings, options);
}

}  // namespace

Opened open_hash(const std::string& argument, const Settings& settings, const Options& options) {
  return open_berkeley(BerkeleyKind::hash, argument, settings, options);
}

Opened open_btree(const std::string& argument, const Settings& settings, const Options& options) {
  return open_berkeley(BerkeleyKind::btree, argument, settings, options);
}

}  // namespace table
