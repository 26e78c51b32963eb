#include "table/build_buffer.h"

#include <cstring>

namespace table {

namespace {
constexpr std::size_t kChunk = 1024 * 1024;
}

std::uint32_t BuildBuffer::hash_of(std::string_view key) {
  const std::uint64_t hash = std::hash<std::string_view>{}(key);
  return static_cast<std::uint32_t>(hash ^ (hash >> 32U));
}

BuildBuffer::Entry* BuildBuffer::find(std::string_view key) {
  if (index_.empty()) return nullptr;
  const std::uint32_t hash = hash_of(key);
  const std::size_t mask = index_.size() - 1;
  for (std::size_t slot = hash & mask; index_[slot] != 0; slot = (slot + 1) & mask) {
    Entry& entry = entries_[index_[slot] - 1];
    if (entry.hash == hash && entry.key() == key) return &entry;
  }
  return nullptr;
}

void BuildBuffer::add(std::string_view key, std::string_view value) {
  if (index_.size() < 2 * (entries_.size() + 1)) grow_index();
  const std::uint32_t hash = hash_of(key);
  entries_.push_back(
      {store(key, value), static_cast<std::uint32_t>(key.size()), static_cast<std::uint32_t>(value.size()), 0, hash});
  bytes_ += key.size() + value.size();
  const std::size_t mask = index_.size() - 1;
  std::size_t slot = hash & mask;
  while (index_[slot] != 0) slot = (slot + 1) & mask;
  index_[slot] = static_cast<std::uint32_t>(entries_.size());
}

void BuildBuffer::replace(Entry& entry, std::string_view value) {
  entry.data = store(entry.key(), value);
  bytes_ += value.size();
  bytes_ -= entry.value_length;
  entry.value_length = static_cast<std::uint32_t>(value.size());
}

void BuildBuffer::clear() {
  chunks_.clear();
  free_ = nullptr;
  left_ = 0;
  used_ = 0;
  bytes_ = 0;
  entries_.clear();
  std::ranges::fill(index_, 0);
}

const char* BuildBuffer::store(std::string_view key, std::string_view value) {
  const std::size_t size = key.size() + value.size();
  if (size > left_) {
    const std::size_t chunk = std::max(size, kChunk);
    chunks_.push_back(std::make_unique_for_overwrite<char[]>(chunk));
    free_ = chunks_.back().get();
    left_ = chunk;
    used_ += chunk;
  }
  char* at = free_;
  if (!key.empty()) std::memcpy(at, key.data(), key.size());
  if (!value.empty()) std::memcpy(at + key.size(), value.data(), value.size());
  free_ += size;
  left_ -= size;
  return at;
}

void BuildBuffer::grow_index() {
  index_.assign(std::max<std::size_t>(1024, 2 * index_.size()), 0);
  const std::size_t mask = index_.size() - 1;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    std::size_t slot = entries_[i].hash & mask;
    while (index_[slot] != 0) slot = (slot + 1) & mask;
    index_[slot] = static_cast<std::uint32_t>(i + 1);
  }
}

}  // namespace table
