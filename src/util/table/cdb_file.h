#pragma once
// Inside the library: reads cdb files. Each number in them is checked before it is used.
//
//   256 pairs of 32-bit numbers   where each hash table is and how many slots it has
//   records                       length of the key, length of the value, key, value
//   256 hash tables               slots: hash of a key, where its record is (0: an empty slot ends the search)

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "table/index_file.h"

namespace table {

constexpr std::size_t kCdbHeader = 2048;

std::uint32_t cdb_hash_of(std::string_view key);

class CdbFile {
 public:
  static std::expected<CdbFile, Error> open(IndexFile file);

  const IndexFile& index() const { return file_; }

  // The value is valid until the next call.
  std::expected<std::optional<std::string_view>, Error> find(std::string_view key);
  std::expected<void, Error> for_each(const std::function<bool(std::string_view key, std::string_view value)>& each);

 private:
  struct Record {
    std::string_view key, value;
    std::size_t end;
  };
  explicit CdbFile(IndexFile file) : file_(std::move(file)) {}

  std::expected<void, Error> look();  // at the file as it is now
  std::uint32_t number(std::size_t offset) const;
  std::expected<Record, Error> record(std::size_t offset) const;
  Error damaged(std::string_view why) const;

  IndexFile file_;
  std::string_view bytes_;  // as of the last look
  std::size_t size_ = 0;    // when it was opened
};

}  // namespace table
