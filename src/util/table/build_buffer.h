#pragma once
// Inside the library: entries held in memory so that they can be sorted before an index takes them, which makes the
// difference between writing each page of a large table once and a hundred times.

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace table {

class BuildBuffer {
 public:
  struct Entry {
    const char* data;  // the key, then the value
    std::uint32_t key_length;
    std::uint32_t value_length;
    std::uint64_t order;  // for the user to sort by
    std::uint32_t hash;

    std::string_view key() const { return {data, key_length}; }
    std::string_view value() const { return {data + key_length, value_length}; }
  };

  // Memory stays near `limit` bytes if clear() is called whenever full() says so; one entry may go beyond it.
  explicit BuildBuffer(std::size_t limit) : limit_(limit) {}

  Entry* find(std::string_view key);
  void add(std::string_view key, std::string_view value);  // which is not there yet
  void replace(Entry& entry, std::string_view value);

  bool full() const { return used_ + entries_.size() * kPerEntry >= limit_; }
  std::size_t bytes() const { return bytes_; }        // of keys and values
  std::vector<Entry>& entries() { return entries_; }  // may be sorted only just before clear()
  void clear();

  static std::uint32_t hash_of(std::string_view key);

 private:
  static constexpr std::size_t kPerEntry = sizeof(Entry) + 2 * sizeof(std::uint32_t);

  const char* store(std::string_view key, std::string_view value);
  void grow_index();

  std::size_t limit_;
  std::size_t used_ = 0;
  std::size_t bytes_ = 0;
  std::vector<std::unique_ptr<char[]>> chunks_;
  char* free_ = nullptr;
  std::size_t left_ = 0;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> index_;  // position of an entry + 1; open addressing, a power of two
};

}  // namespace table
