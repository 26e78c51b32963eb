#pragma once
// Inside the library: a file in memory, read-only, that somebody else may cut off at any time. The kernel then ends a
// process that touches what is gone (SIGBUS); here it reads zeros instead, and is told so.

#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

namespace table {

class Mapping {
 public:
  // `size` is not 0. Nothing with errno set: the kernel says no.
  static std::optional<Mapping> of(int fd, std::size_t size);
  Mapping(Mapping&& other) noexcept
      : at_(std::exchange(other.at_, nullptr)), size_(other.size_), guard_(std::exchange(other.guard_, nullptr)) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(at_, other.at_);
    std::swap(size_, other.size_);
    std::swap(guard_, other.guard_);
    return *this;
  }
  ~Mapping();

  std::string_view bytes() const { return {at_, size_}; }
  // Something was read that is not in the file any more, or that the disk did not give: those bytes were zeros.
  bool was_cut() const;

  struct Guard;

 private:
  Mapping(const char* at, std::size_t size, Guard* guard) : at_(at), size_(size), guard_(guard) {}
  const char* at_;
  std::size_t size_;
  Guard* guard_;
};

}  // namespace table
