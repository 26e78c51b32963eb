#include "table/cdb_file.h"

#include <sys/mman.h>

#include <cstring>

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

void CdbFile::Unmap::operator()(const char* at) const {
  ::munmap(const_cast<char*>(at), size);
}

Error CdbFile::damaged(std::string_view why) const {
  return {fmt::format("{} is damaged: {}; rebuild it from its source file", file_.path(), why), true};
}

std::expected<CdbFile, Error> CdbFile::open(IndexFile file) {
  const auto size = static_cast<std::size_t>(file.identity().size);
  if (size < kCdbHeader) {
    return std::unexpected(
        Error{fmt::format("open database {}: Protocol error (the file is empty or cut short)", file.path()), true});
  }
  void* at = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.fd(), 0);
  if (at == MAP_FAILED) return std::unexpected(Error{base::with_errno("open database " + file.path(), errno)});
  ::madvise(at, size, MADV_RANDOM);
  CdbFile opened(std::move(file), std::unique_ptr<const char, Unmap>(static_cast<const char*>(at), Unmap{size}));
  for (std::size_t i = 0; i < 256; ++i) {
    const std::size_t table = opened.number(kSlot * i);
    const std::size_t slots = opened.number(kSlot * i + 4);
    if (slots > 0 && (table < kCdbHeader || table > size || slots * kSlot > size - table)) {
      return std::unexpected(Error{
          fmt::format("open database {}: Protocol error (not a cdb file, or damaged)", opened.file_.path()), true});
    }
  }
  return opened;
}

std::uint32_t CdbFile::number(std::size_t offset) const {
  const auto* at = reinterpret_cast<const unsigned char*>(bytes().data()) + offset;
  return std::uint32_t{at[0]} | std::uint32_t{at[1]} << 8U | std::uint32_t{at[2]} << 16U | std::uint32_t{at[3]} << 24U;
}

// A mapped page behind the end of a file that somebody cuts would kill the process.
std::expected<void, Error> CdbFile::still_whole() const {
  struct stat status{};
  if (::fstat(file_.fd(), &status) != 0 || static_cast<std::size_t>(status.st_size) < bytes().size()) {
    return std::unexpected(damaged("it was cut short while in use"));
  }
  return {};
}

std::expected<CdbFile::Record, Error> CdbFile::record(std::size_t offset) const {
  const std::size_t size = bytes().size();
  if (offset < kCdbHeader || offset > size - kRecordHeader) return std::unexpected(damaged("a record is out of place"));
  const std::size_t key_length = number(offset);
  const std::size_t value_length = number(offset + 4);
  const std::size_t begin = offset + kRecordHeader;
  if (key_length > size - begin || value_length > size - begin - key_length) {
    return std::unexpected(damaged("a record is too long"));
  }
  return Record{bytes().substr(begin, key_length), bytes().substr(begin + key_length, value_length),
                begin + key_length + value_length};
}

std::expected<std::optional<std::string_view>, Error> CdbFile::find(std::string_view key) const {
  auto whole = still_whole();
  if (!whole) return std::unexpected(whole.error());
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
    const std::function<bool(std::string_view key, std::string_view value)>& each) const {
  auto whole = still_whole();
  if (!whole) return whole;
  // The records end where the first hash table begins.
  std::size_t end = bytes().size();
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
