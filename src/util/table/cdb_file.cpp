#include "table/cdb_file.h"

namespace table {

namespace {
constexpr std::size_t kSlot = 8;
constexpr std::size_t kRecordHeader = 8;
}  // namespace

std::uint32_t cdb_hash_of(std::string_view key) {
  std::uint32_t hash = 5381;
  for (const char c : key) hash = ((hash << 5U) + hash) ^ static_cast<unsigned char>(c);
  return hash;
}

Error CdbFile::damaged(std::string_view why) const {
  return {fmt::format("{} is damaged: {}; rebuild it from its source file", file_.path(), why), true};
}

std::expected<CdbFile, Error> CdbFile::open(IndexFile file) {
  CdbFile opened(std::move(file));
  auto bytes = opened.file_.bytes();
  if (!bytes) return std::unexpected(bytes.error());
  const auto refuse = [&](std::string_view why) {
    return std::unexpected(Error{fmt::format("open database {}: Protocol error ({})", opened.file_.path(), why), true});
  };
  const std::size_t size = bytes->size();
  if (size < kCdbHeader) return refuse("the file is empty or cut short");
  opened.bytes_ = *bytes;
  opened.size_ = size;
  for (std::size_t i = 0; i < 256; ++i) {
    const std::size_t table = opened.number(kSlot * i);
    const std::size_t slots = opened.number(kSlot * i + 4);
    if (slots > 0 && (table < kCdbHeader || table > size || slots * kSlot > size - table)) {
      return refuse("not a cdb file, or damaged");
    }
  }
  return opened;
}

std::uint32_t CdbFile::number(std::size_t offset) const {
  const auto* at = reinterpret_cast<const unsigned char*>(bytes_.data()) + offset;
  return std::uint32_t{at[0]} | std::uint32_t{at[1]} << 8U | std::uint32_t{at[2]} << 16U | std::uint32_t{at[3]} << 24U;
}

// The places of the hash tables were checked against the size at the beginning.
std::expected<void, Error> CdbFile::look() {
  auto bytes = file_.bytes(size_);
  if (!bytes) return std::unexpected(bytes.error());
  bytes_ = *bytes;
  if (bytes_.size() != size_) return std::unexpected(damaged("it was overwritten while in use"));
  return {};
}

std::expected<CdbFile::Record, Error> CdbFile::record(std::size_t offset) const {
  const std::size_t size = bytes_.size();
  if (offset < kCdbHeader || offset > size - kRecordHeader) return std::unexpected(damaged("a record is out of place"));
  const std::size_t key_length = number(offset);
  const std::size_t value_length = number(offset + 4);
  const std::size_t begin = offset + kRecordHeader;
  if (key_length > size - begin || value_length > size - begin - key_length) {
    return std::unexpected(damaged("a record is too long"));
  }
  return Record{bytes_.substr(begin, key_length), bytes_.substr(begin + key_length, value_length),
                begin + key_length + value_length};
}

std::expected<std::optional<std::string_view>, Error> CdbFile::find(std::string_view key) {
  auto looked = look();
  if (!looked) return std::unexpected(looked.error());
  const std::uint32_t hash = cdb_hash_of(key);
  const std::size_t table = number(kSlot * (hash & 255U));
  const std::size_t slots = number(kSlot * (hash & 255U) + 4);
  if (slots == 0) return std::nullopt;
  std::size_t slot = (hash >> 8U) % slots;
  for (std::size_t tried = 0; tried < slots; ++tried) {
    const std::size_t at = table + kSlot * slot;
    const std::size_t offset = number(at + 4);
    if (offset == 0) return std::nullopt;
    if (number(at) == hash) {
      auto found = record(offset);
      if (!found) return std::unexpected(found.error());
      if (found->key == key) return found->value;
    }
    if (++slot == slots) slot = 0;
  }
  return std::nullopt;
}

std::expected<void, Error> CdbFile::for_each(
    const std::function<bool(std::string_view key, std::string_view value)>& each) {
  auto looked = look();
  if (!looked) return looked;
  // The records end where the first hash table begins.
  std::size_t end = bytes_.size();
  for (std::size_t i = 0; i < 256; ++i) {
    if (number(kSlot * i) >= kCdbHeader) end = std::min<std::size_t>(end, number(kSlot * i));
  }
  for (std::size_t offset = kCdbHeader; offset < end;) {
    auto found = record(offset);
    if (!found) return std::unexpected(found.error());
    if (found->end > end) return std::unexpected(damaged("a record is too long"));
    if (!each(found->key, found->value)) return {};
    offset = found->end;
  }
  return {};
}

}  // namespace table
