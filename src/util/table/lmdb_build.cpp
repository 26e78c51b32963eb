#include "table/build_buffer.h"
#include "table/build_sorted.h"
#include "table/build_target.h"
#include "table/build_types.h"
#include "table/lmdb.h"

namespace table {

namespace {

using Result = LmdbWriter::Result;

class LmdbBuilder final : public SortingBuilder {
 public:
  LmdbBuilder(BuildTarget target, const std::string& source, const Settings& settings, const Options& options)
      : SortingBuilder(options, StoredForm(options.nul, true), "lmdb:" + source),
        target_(std::move(target)),
        name_("lmdb:" + source),
        map_size_(settings.lmdb_map_size) {}

 private:
  std::expected<void, Error> insert(std::vector<BuildBuffer::Entry>& entries, bool first) override {
    if (first) {
      // Leaves come out nearly full from sorted keys.
      const std::size_t bytes = buffered_bytes() + 16 * entries.size();
      auto writer = LmdbWriter::open(target_.building_path(), name_,
                                     {.map_size = lmdb_map_size(map_size_, bytes + bytes / 4), .sync = false});
      if (!writer) return std::unexpected(writer.error());
      writer_.emplace(std::move(*writer));
    }
    sort_by_key(entries);
    std::vector<bool> told(first ? 0 : entries.size());
    while (true) {
      auto done = attempt(entries, first, told);
      if (!done) return std::unexpected(done.error());
      if (*done == Result::done) return {};
      auto larger = writer_->double_map();
      if (!larger) return larger;
    }
  }

  // `told`: of which duplicates an earlier attempt has told.
  std::expected<Result, Error> attempt(const std::vector<BuildBuffer::Entry>& entries, bool first,
                                       std::vector<bool>& told) {
    auto step = writer_->begin();
    if (!step || *step != Result::done) return step;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const BuildBuffer::Entry& entry = entries[i];
      step = writer_->put(entry.key(), entry.value(), first ? unsigned{MDB_APPEND} : unsigned{MDB_NOOVERWRITE});
      if (step && *step == Result::exists) {
        const bool replace = !told[i] && duplicate(entry.key()) == Duplicate::replace;
        if (!replace) told[i] = true;
        if (replace) step = writer_->put(entry.key(), entry.value(), 0);
      }
      if (!step || *step == Result::map_full) return step;
    }
    return writer_->commit();
  }

  std::expected<void, Error> finish() override {
    writer_.reset();
    return target_.commit();
  }

  BuildTarget target_;
  std::string name_;
  long map_size_;
  std::optional<LmdbWriter> writer_;
};

// One transaction in place: others see the table as it was until commit().
class LmdbAmender final : public Builder {
 public:
  LmdbAmender(LmdbFile file, FileLock lock, LmdbWriter writer, const std::string& source, const Options& options)
      : file_(std::move(file)),
        lock_(std::move(lock)),
        writer_(std::move(writer)),
        name_("lmdb:" + source),
        options_(options),
        form_(options.nul, true) {}

  std::expected<void, Error> add(std::string_view key, std::string_view value) override {
    std::string stored_key = folded(key, options_);
    std::string stored_value(value);
    if (form_.writes_nul()) {
      stored_key.push_back('\0');
      stored_value.push_back('\0');
    }
    auto put = carry_out({std::move(stored_key), std::move(stored_value), options_.replace_duplicates, false});
    if (!put) return std::unexpected(put.error());
    if (*put == Result::exists) on_duplicate(options_, name_, without_nul(stored_key_));
    return {};
  }

  std::expected<void, Error> add_verbatim(std::string_view key, std::string_view value) override {
    auto put = carry_out({std::string(key), std::string(value), true, false});
    if (!put) return std::unexpected(put.error());
    return {};
  }

  std::expected<bool, Error> remove(std::string_view key) override {
    std::string stored = folded(key, options_);
    if (options_.nul != NulForm::never) {
      auto removed = carry_out({stored + '\0', {}, false, true});
      if (!removed) return std::unexpected(removed.error());
      if (*removed == Result::done) return true;
      if (options_.nul == NulForm::always) return false;
    }
    auto removed = carry_out({std::move(stored), {}, false, true});
    if (!removed) return std::unexpected(removed.error());
    return *removed == Result::done;
  }

  std::expected<void, Error> commit() override {
    auto committed = commit_transaction();
    if (committed) lock_.reset();
    return committed;
  }

 private:
  struct Step {
    std::string key;
    std::string value;
    bool replace;
    bool remove;
  };
  // What a transaction may have to do again when the map turns out too small. Beyond this it is committed in between.
  static constexpr std::size_t kLogged = 64UL * 1024 * 1024;

  std::expected<void, Error> commit_transaction() {
    while (true) {
      auto begun = begin();
      if (!begun) return begun;
      auto committed = writer_.commit();
      if (!committed) return std::unexpected(committed.error());
      open_ = false;
      if (*committed == Result::done) {
        done_.clear();
        logged_ = 0;
        return {};
      }
      auto larger = writer_.double_map();
      if (!larger) return larger;
    }
  }

  std::expected<Result, Error> carry_out(Step step) {
    while (true) {
      auto begun = begin();
      if (!begun) return std::unexpected(begun.error());
      auto result = apply(step);
      if (!result) return result;
      if (*result == Result::map_full) {
        open_ = false;
        auto larger = writer_.double_map();
        if (!larger) return std::unexpected(larger.error());
        continue;
      }
      if (*result != Result::done) {
        stored_key_ = std::move(step.key);
        return result;
      }
      logged_ += sizeof(Step) + step.key.size() + step.value.size();
      done_.push_back(std::move(step));
      if (logged_ > kLogged) {
        auto committed = commit_transaction();
        if (!committed) return std::unexpected(committed.error());
      }
      return result;
    }
  }

  std::expected<Result, Error> apply(const Step& step) {
    if (step.remove) return writer_.remove(step.key);
    return writer_.put(step.key, step.value, step.replace ? 0U : unsigned{MDB_NOOVERWRITE});
  }

  // Opens a transaction if there is none, with all that was done since the last commit.
  std::expected<void, Error> begin() {
    while (!open_) {
      auto begun = writer_.begin();
      if (!begun) return std::unexpected(begun.error());
      bool full = *begun != Result::done;
      for (std::size_t i = 0; i < done_.size() && !full; ++i) {
        auto again = apply(done_[i]);
        if (!again) return std::unexpected(again.error());
        full = *again == Result::map_full;
      }
      open_ = !full;
      if (!full) return {};
      auto larger = writer_.double_map();
      if (!larger) return larger;
    }
    return {};
  }

  LmdbFile file_;
  std::optional<FileLock> lock_;
  LmdbWriter writer_;
  std::string name_;
  Options options_;
  StoredForm form_;
  bool open_ = false;
  std::vector<Step> done_;
  std::size_t logged_ = 0;
  std::string stored_key_;  // of the last step that changed nothing
};

}  // namespace

Built build_lmdb(const std::string& path, const Settings& settings, const Options& options,
                 const base::ReplacementFile::Ownership& ownership) {
  const std::string file = path + ".lmdb";
  auto target = BuildTarget::create(file, LockStyle::fcntl, keep_ownership(file, ownership));
  if (!target) return std::unexpected(target.error());
  return std::make_unique<LmdbBuilder>(std::move(*target), path, settings, options);
}

Built amend_lmdb(const std::string& path, const Settings& settings, const Options& options,
                 const base::ReplacementFile::Ownership&) {
  const std::string name = path + ".lmdb";
  while (true) {
    auto index = IndexFile::open(name, Access::read_write);
    if (!index) return std::unexpected(index.error());
    auto lock = FileLock::take(index->fd(), LockStyle::fcntl, LockKind::exclusive, name);
    if (!lock) return std::unexpected(lock.error());
    if (index->replaced()) continue;
    index->warn_if_older_than(path);
    auto file = LmdbFile::open(std::move(*index));
    if (!file) return std::unexpected(file.error());
    auto sound = file->check();
    if (!sound) return std::unexpected(sound.error());
    const auto size = static_cast<std::size_t>(file->index().identity().size);
    auto writer =
        LmdbWriter::open(name, "lmdb:" + path, {.map_size = lmdb_map_size(settings.lmdb_map_size, size + size / 4)});
    if (!writer) return std::unexpected(writer.error());
    return std::make_unique<LmdbAmender>(std::move(*file), std::move(*lock), std::move(*writer), path, options);
  }
}

}  // namespace table
