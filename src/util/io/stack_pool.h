#pragma once
// Stacks for fibers: each lies above a guard region, so that an overflow faults and never reaches a neighbour. They are
// kept for the next fibers, so that in the steady state a fiber costs no system call.

#include <cstddef>
#include <vector>

namespace io::detail {

struct Stack {
  std::byte* low = nullptr;  // the first usable byte; the guard lies below
  std::size_t size = 0;

  std::byte* top() const { return low + size; }
  explicit operator bool() const { return low != nullptr; }

  // Forgets what lies well below `frame`, which is that of a function that runs on this stack now.
  void trim_below(const void* frame) const noexcept;
};

class StackPool {
 public:
  // Code without stack probes (foreign libraries) moves the stack pointer by whole frames: one guard page could be
  // skipped.
  static constexpr std::size_t kGuardSize = 64 * 1024;
  // A pooled stack keeps this much memory; what a deep call chain touched below it goes back to the system.
  static constexpr std::size_t kKeptResident = 32 * 1024;

  StackPool(std::size_t stack_size, std::size_t most_kept);
  ~StackPool();
  StackPool(const StackPool&) = delete;
  StackPool& operator=(const StackPool&) = delete;

  Stack take();  // throws std::system_error
  void give_back(Stack stack) noexcept;

 private:
  std::size_t stack_size_;
  std::size_t most_kept_;
  std::vector<std::byte*> kept_;
};

}  // namespace io::detail
