#include "io/stack_pool.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "io/sanitizer.h"

namespace io::detail {

namespace {

constexpr std::size_t kPage = 4096;

std::size_t whole_pages(std::size_t size) {
  return (size + kPage - 1) / kPage * kPage;
}

// A sample of the first page that need not stay: a call chain that came so far has left something there.
bool was_deep(const Stack& stack) {
  if (stack.size <= StackPool::kKeptResident + kPage) return false;
  const std::byte* page = stack.top() - StackPool::kKeptResident - kPage;
  static constexpr std::byte kUntouched[kPage / 4]{};
  return std::memcmp(page + kPage - sizeof kUntouched, kUntouched, sizeof kUntouched) != 0;
}

}  // namespace

void Stack::trim_below(const void* frame) const noexcept {
  // A page is left for the calls that are going on.
  const auto used = static_cast<std::size_t>(static_cast<const std::byte*>(frame) - low) / kPage * kPage;
  if (used > kPage && used < size) ::madvise(low, used - kPage, MADV_DONTNEED);
}

StackPool::StackPool(std::size_t stack_size, std::size_t most_kept)
    : stack_size_(whole_pages(std::max(stack_size, 4 * kPage))), most_kept_(most_kept) {
  kept_.reserve(most_kept);
}

StackPool::~StackPool() {
  most_kept_ = 0;
  for (std::byte* low : kept_) give_back({low, stack_size_});
}

Stack StackPool::take() {
  if (!kept_.empty()) {
    // The last one in: its pages are the likeliest to be in the processor's caches.
    std::byte* low = kept_.back();
    kept_.pop_back();
    return {low, stack_size_};
  }
  void* region = ::mmap(nullptr, kGuardSize + stack_size_, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (region == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "map a stack");
  std::byte* low = static_cast<std::byte*>(region) + kGuardSize;
  if (::mprotect(low, stack_size_, PROT_READ | PROT_WRITE) != 0) {
    const int problem = errno;
    ::munmap(region, kGuardSize + stack_size_);
    throw std::system_error(problem, std::generic_category(), "make a stack writable");
  }
  stack_mapped(low, stack_size_);
  return {low, stack_size_};
}

void StackPool::give_back(Stack stack) noexcept {
  stack_abandoned(stack.low, stack.size);
  if (kept_.size() < most_kept_) {
    if (was_deep(stack)) ::madvise(stack.low, stack.size - kKeptResident, MADV_DONTNEED);
    kept_.push_back(stack.low);
    return;
  }
  stack_unmapped(stack.low, stack.size);
  ::munmap(stack.low - kGuardSize, kGuardSize + stack.size);
}

}  // namespace io::detail
