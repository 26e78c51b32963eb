#pragma once
// Byte strings packed one behind the other: recipients, of which there may be a million. The scheduler does not know
// what they say.

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

namespace qmgr::scheduler {

class PackedList {
 public:
  PackedList() = default;
  PackedList(PackedList&& other) noexcept
      : bytes_(std::exchange(other.bytes_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)),
        count_(std::exchange(other.count_, 0)) {}
  PackedList& operator=(PackedList&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    std::swap(count_, other.count_);
    return *this;
  }
  ~PackedList() { std::free(bytes_); }

  std::uint32_t size() const { return count_; }
  bool empty() const { return count_ == 0; }

  void push_back(std::string_view item) {
    const auto length = static_cast<std::uint32_t>(item.size());
    reserve(size_ + sizeof length + item.size());  // NOLINT: size_ has its 0 in an aggregate, too
    std::memcpy(bytes_ + size_, &length, sizeof length);
    std::memcpy(bytes_ + size_ + sizeof length, item.data(), item.size());
    size_ += static_cast<std::uint32_t>(sizeof length) + length;
    ++count_;
  }

  template <typename Each>
  void for_each(Each&& each) const {
    for (std::uint32_t at = 0; at < size_;) {
      std::uint32_t length = 0;
      std::memcpy(&length, bytes_ + at, sizeof length);
      at += static_cast<std::uint32_t>(sizeof length);
      each(std::string_view(bytes_ + at, length));
      at += length;
    }
  }

 private:
  // Most deliveries have one recipient: the first fits exactly, later ones get room to grow.
  void reserve(std::size_t needed) {
    if (needed <= capacity_) return;
    const std::size_t capacity = size_ == 0 ? needed : needed + needed / 2;
    if (capacity > 0xffffffffU) throw std::bad_alloc();
    char* const bytes = static_cast<char*>(std::realloc(bytes_, capacity));
    if (bytes == nullptr) throw std::bad_alloc();
    bytes_ = bytes;
    capacity_ = static_cast<std::uint32_t>(capacity);
  }

  char* bytes_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
  std::uint32_t count_ = 0;
};

}  // namespace qmgr::scheduler
