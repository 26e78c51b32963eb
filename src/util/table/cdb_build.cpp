#include <sys/stat.h>

#include <bit>
#include <cstring>
#include <iterator>

#include "table/build_target.h"
#include "table/build_types.h"
#include "table/cdb_file.h"

namespace table {

namespace {

constexpr std::size_t kLargest = 0xFFFFFFFFUL;  // positions are 32-bit numbers
constexpr std::size_t kOutput = 256UL * 1024;

void append_number(std::string& to, std::size_t number) {
  for (unsigned shift = 0; shift < 32; shift += 8) to.push_back(static_cast<char>((number >> shift) & 0xFFU));
}

// Writes records as they come, in the order of the source, and remembers of each only its hash and position.
class CdbBuilder final : public Builder {
 public:
  CdbBuilder(BuildTarget target, std::string source, const Options& options)
      : target_(std::move(target)),
        source_(std::move(source)),
        options_(options),
        form_(options.nul, false),
        output_(kCdbHeader, '\0'),
        slots_(slots_for(source_)) {}

  std::expected<void, Error> add(std::string_view key, std::string_view value) override {
    key_ = folded(key, options_);
    std::string_view stored_value = value;
    if (form_.writes_nul()) {
      key_.push_back('\0');
      value_.assign(value);
      value_.push_back('\0');
      stored_value = value_;
    }
    return put(key_, stored_value, false);
  }

  std::expected<void, Error> add_verbatim(std::string_view key, std::string_view value) override {
    return put(key, value, true);
  }

  std::expected<bool, Error> remove(std::string_view) override {
    return std::unexpected(Error{"table cdb:" + source_ + ": delete operation is not supported", true});
  }

  std::expected<void, Error> commit() override {
    if (replaced_ > 0) {
      auto compacted = leave_out_replaced();
      if (!compacted) return compacted;
    }
    auto tables = write_tables();
    return tables ? target_.commit() : tables;
  }

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t position = 0;  // of the record; 0 for none
  };

  // The source's size tells about how many slots it takes; too few only cost time.
  static std::size_t slots_for(const std::string& source) {
    constexpr off_t kUsualLine = 32;
    constexpr off_t kMost = 1 << 23;
    struct stat status{};
    const off_t size = ::stat(source.c_str(), &status) == 0 ? status.st_size : 0;
    return std::bit_ceil(static_cast<std::size_t>(std::clamp<off_t>(2 * size / kUsualLine, 1024, kMost)));
  }

  std::size_t end() const { return written_ + output_.size(); }

  std::expected<void, Error> put(std::string_view key, std::string_view value, bool verbatim) {
    if (2 * (count_ + 1) > slots_.size()) grow();
    const std::uint32_t hash = cdb_hash_of(key);
    auto slot = find(key, hash);
    if (!slot) return std::unexpected(slot.error());
    const bool is_new = (*slot)->position == 0;
    if (!is_new && !verbatim && on_duplicate(options_, source_, without_nul(key)) == Duplicate::keep_old) return {};
    if (!is_new) ++replaced_;
    if (is_new) ++count_;
    (*slot)->hash = hash;
    auto appended = append(**slot, key, value);
    records_.push_back(**slot);
    return appended;
  }

  std::expected<void, Error> append(Slot& slot, std::string_view key, std::string_view value) {
    // The slots of the hash tables come on top.
    if (end() + 8 + key.size() + value.size() + 16 * (count_ + 1) > kLargest) {
      return std::unexpected(Error{"write " + target_.path() + ": a cdb file cannot be larger than 4 GB", true});
    }
    slot.position = static_cast<std::uint32_t>(end());
    append_number(output_, key.size());
    append_number(output_, value.size());
    output_.append(key);
    output_.append(value);
    return output_.size() < kOutput ? std::expected<void, Error>() : write_out();
  }

  std::expected<void, Error> write_out() {
    auto written = base::write_fully(target_.fd(), output_, target_.path());
    if (!written) return std::unexpected(Error{written.error().text});
    written_ += output_.size();
    output_.clear();
    return {};
  }

  // Where the key stands, or the free slot where it would.
  std::expected<Slot*, Error> find(std::string_view key, std::uint32_t hash) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = spread(hash) & mask;
    for (; slots_[at].position != 0; at = (at + 1) & mask) {
      if (slots_[at].hash != hash) continue;
      auto same = is_key_at(slots_[at].position, key);
      if (!same) return std::unexpected(same.error());
      if (*same) break;
    }
    return &slots_[at];
  }

  // The low bits of cdb's hash repeat among similar keys.
  static std::size_t spread(std::uint32_t hash) { return (hash * 0x9E3779B97F4A7C15ULL) >> 32U; }

  std::expected<bool, Error> is_key_at(std::size_t position, std::string_view key) {
    record_.resize(8 + key.size());
    if (position >= written_) {
      if (record_.size() > output_.size() - (position - written_)) return false;
      record_.assign(output_, position - written_, record_.size());
    } else {
      const ssize_t got = ::pread(target_.fd(), record_.data(), record_.size(), static_cast<off_t>(position));
      if (got < 0) return std::unexpected(Error{base::with_errno("read " + target_.path(), errno)});
      if (static_cast<std::size_t>(got) < record_.size()) return false;
    }
    std::string length;
    append_number(length, key.size());
    return record_.starts_with(length) && std::string_view(record_).substr(8) == key;
  }

  void grow() {
    std::vector<Slot> old(2 * slots_.size());
    old.swap(slots_);
    const std::size_t mask = slots_.size() - 1;
    for (const Slot& slot : old) {
      if (slot.position == 0) continue;
      std::size_t at = spread(slot.hash) & mask;
      while (slots_[at].position != 0) at = (at + 1) & mask;
      slots_[at] = slot;
    }
  }

  // Moves the records that count over those that do not, from the front to the back of the file.
  std::expected<void, Error> leave_out_replaced() {
    auto flushed = write_out();
    if (!flushed) return flushed;
    std::vector<Slot*> live;
    live.reserve(count_);
    for (Slot& slot : slots_) {
      if (slot.position != 0) live.push_back(&slot);
    }
    std::ranges::sort(live, {}, &Slot::position);
    const std::size_t size = written_;
    if (::lseek(target_.fd(), kCdbHeader, SEEK_SET) < 0) return failed("seek");
    written_ = kCdbHeader;
    for (Slot* slot : live) {
      auto moved = move_record(*slot, size);
      if (!moved) return moved;
    }
    flushed = write_out();
    if (!flushed) return flushed;
    if (::ftruncate(target_.fd(), static_cast<off_t>(written_)) != 0) return failed("truncate");
    return {};
  }

  std::expected<void, Error> move_record(Slot& slot, std::size_t size) {
    record_.resize(8);
    if (::pread(target_.fd(), record_.data(), 8, slot.position) != 8) return failed("read");
    std::uint32_t lengths[2];
    std::memcpy(lengths, record_.data(), sizeof lengths);
    const std::size_t length = 8 + std::size_t{lengths[0]} + lengths[1];
    if (length > size - slot.position) return failed("read");
    record_.resize(length);
    if (::pread(target_.fd(), record_.data(), length, slot.position) != static_cast<ssize_t>(length)) {
      return failed("read");
    }
    // What is written out lies before what is still to be read: records only move down.
    slot.position = static_cast<std::uint32_t>(end());
    output_.append(record_);
    return output_.size() < kOutput ? std::expected<void, Error>() : write_out();
  }

  std::expected<void, Error> write_tables() {
    // Of keys with one hash the first of the source comes first, as other writers of cdb files have it.
    if (replaced_ > 0) {
      records_.clear();
      std::ranges::copy_if(slots_, std::back_inserter(records_), [](const Slot& slot) { return slot.position != 0; });
      std::ranges::sort(records_, {}, &Slot::position);
    }
    slots_ = {};
    std::size_t begins[257] = {};
    for (const Slot& record : records_) ++begins[(record.hash & 255U) + 1];
    for (std::size_t i = 1; i < 257; ++i) begins[i] += begins[i - 1];
    std::vector<Slot> by_table(records_.size());
    std::vector<std::size_t> next_of(begins, begins + 256);
    for (const Slot& record : records_) by_table[next_of[record.hash & 255U]++] = record;
    records_ = {};
    std::string header;
    std::vector<Slot> table;
    for (std::size_t i = 0; i < 256; ++i) {
      table.assign(2 * (begins[i + 1] - begins[i]), Slot());
      for (std::size_t record = begins[i]; record < begins[i + 1]; ++record) {
        std::size_t at = (by_table[record].hash >> 8U) % table.size();
        while (table[at].position != 0) at = at + 1 == table.size() ? 0 : at + 1;
        table[at] = by_table[record];
      }
      append_number(header, end());
      append_number(header, table.size());
      for (const Slot& slot : table) {
        append_number(output_, slot.hash);
        append_number(output_, slot.position);
      }
      if (output_.size() >= kOutput) {
        auto flushed = write_out();
        if (!flushed) return flushed;
      }
    }
    auto flushed = write_out();
    if (!flushed) return flushed;
    if (::pwrite(target_.fd(), header.data(), header.size(), 0) != static_cast<ssize_t>(header.size())) {
      return failed("write");
    }
    return {};
  }

  std::expected<void, Error> failed(std::string_view what) const {
    return std::unexpected(Error{base::with_errno(fmt::format("{} {}", what, target_.path()), errno)});
  }

  BuildTarget target_;
  std::string source_;
  Options options_;
  StoredForm form_;
  std::string output_;  // not yet written
  std::size_t written_ = 0;
  std::vector<Slot> slots_;    // open addressing, a power of two
  std::vector<Slot> records_;  // in the order of the file; of use only while none is replaced
  std::size_t count_ = 0;
  std::size_t replaced_ = 0;  // records that no slot knows any more
  std::string key_;
  std::string value_;
  std::string record_;
};

}  // namespace

Built build_cdb(const std::string& path, const Settings&, const Options& options,
                const base::ReplacementFile::Ownership& ownership) {
  auto target = BuildTarget::create(path + ".cdb", LockStyle::flock, ownership);
  if (!target) return std::unexpected(target.error());
  return std::make_unique<CdbBuilder>(std::move(*target), path, options);
}

Built amend_cdb(const std::string&, const Settings&, const Options&, const base::ReplacementFile::Ownership&) {
  return std::unexpected(Error{
      "dict_cdb_open: inappropriate open flags for cdb database - specify O_RDONLY or O_WRONLY|O_CREAT|O_TRUNC", true});
}

}  // namespace table
