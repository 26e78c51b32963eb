#include <bit>
#include <cstring>

#include "table/berkeley_db.h"
#include "table/build_sorted.h"
#include "table/build_target.h"
#include "table/build_types.h"

namespace table {

namespace {

// How full a bucket's page may be on average: keys do not spread evenly, and a bucket of two pages costs two reads.
constexpr double kPageFill = 0.7;
constexpr std::size_t kPageHeader = 26;
constexpr std::size_t kPerHashEntry = 6;  // two type bytes, two offsets
constexpr std::size_t kOffPage = 24;      // all that stands on the page of an entry of long texts
constexpr unsigned kMostBuckets = 1U << 26U;

// In the meta page of a hash file.
constexpr off_t kFillFactorOffset = 84;

class BerkeleyBuilder final : public SortingBuilder {
 public:
  BerkeleyBuilder(BerkeleyKind kind, BuildTarget target, const std::string& source, const Settings& settings,
                  const Options& options)
      : SortingBuilder(options, StoredForm(options.nul, true), target.path()),
        kind_(kind),
        target_(std::move(target)),
        source_(source),
        cache_size_(settings.berkeley_db_create_buffer) {}

 private:
  std::expected<void, Error> insert(std::vector<BuildBuffer::Entry>& entries, bool first) override {
    if (first) {
      auto opened = open(entries);
      if (!opened) return opened;
    }
    sort(entries);
    if (first) {
      count_ = entries.size();
      return writer_->put_all(entries);
    }
    for (const BuildBuffer::Entry& entry : entries) {
      auto put = writer_->put(entry.key(), entry.value(), false);
      if (!put) return std::unexpected(put.error());
      if (*put == BerkeleyWriter::Put::done) ++count_;
      if (*put == BerkeleyWriter::Put::done || duplicate(entry.key()) == Duplicate::keep_old) continue;
      put = writer_->put(entry.key(), entry.value(), true);
      if (!put) return std::unexpected(put.error());
    }
    return {};
  }

  std::expected<void, Error> open(const std::vector<BuildBuffer::Entry>& entries) {
    BerkeleyWriter::Opening opening{.kind = kind_, .cache_size = cache_size_, .create = true};
    if (kind_ == BerkeleyKind::hash) {
      std::size_t bytes = 0;
      for (const BuildBuffer::Entry& entry : entries) {
        const std::size_t size = std::size_t{entry.key_length} + entry.value_length;
        bytes += kPerHashEntry + (size > kBerkeleyPage / 4 ? kOffPage : size);
      }
      // What has come is all there is, or a memory-full of a source whose size tells the rest.
      double whole = 1;
      struct stat status{};
      if (!finishing() && ::stat(source_.c_str(), &status) == 0) {
        whole = std::max(1.0, static_cast<double>(status.st_size) / static_cast<double>(buffered_bytes()));
      }
      const double pages = static_cast<double>(bytes) * whole / (kPageFill * double{kBerkeleyPage - kPageHeader});
      opening.hash_buckets =
          pages < 2 ? 2 : std::bit_ceil(static_cast<unsigned>(std::min(pages, double{kMostBuckets})));
      opening.hash_entries = static_cast<unsigned>(std::min(static_cast<double>(entries.size()) * whole, 2147483647.0));
      mask_ = opening.hash_buckets - 1;
    }
    auto writer = BerkeleyWriter::open(target_.building_path(), target_.path(), opening);
    if (!writer) return std::unexpected(writer.error());
    writer_.emplace(std::move(*writer));
    return {};
  }

  void sort(std::vector<BuildBuffer::Entry>& entries) const {
    if (kind_ == BerkeleyKind::hash) {
      for (BuildBuffer::Entry& entry : entries) {
        const std::uint32_t hash = berkeley_hash(entry.key());
        entry.order = (std::uint64_t{hash & mask_} << 32U) | hash;
      }
      std::ranges::sort(entries, {}, &BuildBuffer::Entry::order);
      return;
    }
    sort_by_key(entries);
  }

  std::expected<void, Error> finish() override {
    auto closed = writer_->close();
    if (!closed) return closed;
    if (kind_ == BerkeleyKind::hash) {
      // Leave the numbers that libdb itself would leave in a file that had grown entry by entry: no fill factor (a
      // bucket is split when its page is full), and the count of the entries.
      const std::uint32_t numbers[2] = {0, static_cast<std::uint32_t>(count_)};
      if (::pwrite(target_.fd(), numbers, sizeof numbers, kFillFactorOffset) != sizeof numbers) {
        return std::unexpected(Error{base::with_errno("write " + target_.path(), errno)});
      }
    }
    return target_.commit();
  }

  BerkeleyKind kind_;
  BuildTarget target_;
  std::string source_;
  long cache_size_;
  std::uint32_t mask_ = 0;
  std::size_t count_ = 0;
  std::optional<BerkeleyWriter> writer_;
};

// Works on a copy of the file, which takes its place at the end.
class BerkeleyAmender final : public Builder {
 public:
  BerkeleyAmender(BerkeleyFile old, FileLock lock, BuildTarget target, BerkeleyWriter writer, const Options& options)
      : old_(std::move(old)),
        lock_(std::move(lock)),
        target_(std::move(target)),
        writer_(std::move(writer)),
        options_(options),
        form_(options.nul, true) {}

  std::expected<void, Error> add(std::string_view key, std::string_view value) override {
    std::string stored_key = folded(key, options_);
    std::string stored_value(value);
    if (form_.writes_nul()) {
      stored_key.push_back('\0');
      stored_value.push_back('\0');
    }
    auto put = writer_.put(stored_key, stored_value, options_.replace_duplicates);
    if (!put) return std::unexpected(put.error());
    if (*put == BerkeleyWriter::Put::exists) on_duplicate(options_, target_.path(), without_nul(stored_key));
    return {};
  }

  std::expected<void, Error> add_verbatim(std::string_view key, std::string_view value) override {
    auto put = writer_.put(key, value, true);
    if (!put) return std::unexpected(put.error());
    return {};
  }

  std::expected<bool, Error> remove(std::string_view key) override {
    std::string stored = folded(key, options_);
    if (options_.nul != NulForm::never) {
      stored.push_back('\0');
      auto removed = writer_.remove(stored);
      if (!removed || *removed || options_.nul == NulForm::always) return removed;
      stored.pop_back();
    }
    return writer_.remove(stored);
  }

  std::expected<void, Error> commit() override {
    auto done = writer_.close();
    if (done) done = target_.commit(old_.index().fd());
    if (done) lock_.reset();
    return done;
  }

 private:
  BerkeleyFile old_;
  std::optional<FileLock> lock_;
  BuildTarget target_;
  BerkeleyWriter writer_;
  Options options_;
  StoredForm form_;
};

Built build_berkeley(BerkeleyKind kind, const std::string& path, const Settings& settings, const Options& options,
                     const base::ReplacementFile::Ownership& ownership) {
  const std::string file = path + ".db";
  auto target = BuildTarget::create(file, LockStyle::flock, keep_ownership(file, ownership));
  if (!target) return std::unexpected(target.error());
  return std::make_unique<BerkeleyBuilder>(kind, std::move(*target), path, settings, options);
}

Built amend_berkeley(BerkeleyKind kind, const std::string& path, const Settings& settings, const Options& options,
                     const base::ReplacementFile::Ownership& ownership) {
  const std::string name = path + ".db";
  while (true) {
    auto index = IndexFile::open(name, Access::read_write);
    if (!index) return std::unexpected(index.error());
    auto lock = FileLock::take(index->fd(), LockStyle::flock, LockKind::exclusive, name);
    if (!lock) return std::unexpected(lock.error());
    auto target = BuildTarget::create(name, LockStyle::flock, keep_ownership(name, ownership));
    if (!target) return std::unexpected(target.error());
    // By somebody whom we waited for. From here on everybody waits for us.
    if (index->replaced()) continue;
    index->warn_if_older_than(path);
    auto old = BerkeleyFile::open(std::move(*index), kind);
    if (!old) return std::unexpected(old.error());
    auto sound = old->check();
    if (!sound) return std::unexpected(sound.error());
    auto copied = copy_content(old->index().fd(), target->fd(), name);
    if (!copied) return std::unexpected(copied.error());
    auto writer = BerkeleyWriter::open(target->building_path(), name,
                                       {.kind = kind, .cache_size = settings.berkeley_db_create_buffer});
    if (!writer) return std::unexpected(writer.error());
    return std::make_unique<BerkeleyAmender>(std::move(*old), std::move(*lock), std::move(*target), std::move(*writer),
                                             options);
  }
}

}  // namespace

Built build_hash(const std::string& path, const Settings& settings, const Options& options,
                 const base::ReplacementFile::Ownership& ownership) {
  return build_berkeley(BerkeleyKind::hash, path, settings, options, ownership);
}

Built build_btree(const std::string& path, const Settings& settings, const Options& options,
                  const base::ReplacementFile::Ownership& ownership) {
  return build_berkeley(BerkeleyKind::btree, path, settings, options, ownership);
}

Built amend_hash(const std::string& path, const Settings& settings, const Options& options,
                 const base::ReplacementFile::Ownership& ownership) {
  return amend_berkeley(BerkeleyKind::hash, path, settings, options, ownership);
}

Built amend_btree(const std::string& path, const Settings& settings, const Options& options,
                  const base::ReplacementFile::Ownership& ownership) {
  return amend_berkeley(BerkeleyKind::btree, path, settings, options, ownership);
}

}  // namespace table
