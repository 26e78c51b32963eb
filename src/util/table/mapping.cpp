#include "table/mapping.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <mutex>

namespace table {

// Read by the signal handler: never freed, taken anew.
struct Mapping::Guard {
  std::atomic<bool> taken = false;
  std::atomic<std::uintptr_t> begin = 0;
  std::atomic<std::uintptr_t> end = 0;  // at a page's end
  std::atomic<bool> cut = false;
};

namespace {

// Nobody has as many tables; a mapping beyond them is as unsafe as any.
constexpr std::size_t kMostGuards = 2000;
std::array<Mapping::Guard, kMostGuards> guards;
std::atomic<std::size_t> ever_taken = 0;
std::uintptr_t page_size = 4096;
struct sigaction before;

// The pages that are gone, from this one to the end, are replaced by empty ones, and the reader goes on. Only system
// calls: this may interrupt anything.
bool replace_lost_pages(std::uintptr_t at) {
  const std::size_t count = ever_taken.load();
  for (std::size_t i = 0; i < count; ++i) {
    Mapping::Guard& guard = guards[i];
    const std::uintptr_t end = guard.end.load();
    if (at < guard.begin.load() || at >= end) continue;
    const std::uintptr_t page = at - at % page_size;
    void* const place = reinterpret_cast<void*>(page);  // NOLINT(performance-no-int-to-ptr)
    if (::mmap(place, end - page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
      return false;
    guard.cut.store(true);
    return true;
  }
  return false;
}

void on_bus_error(int, siginfo_t* info, void*) {
  const int number = errno;
  // Somebody else's trouble comes again, and is met as if we had never been here.
  if (!replace_lost_pages(reinterpret_cast<std::uintptr_t>(info->si_addr))) ::sigaction(SIGBUS, &before, nullptr);
  errno = number;
}

void install() {
  static std::once_flag once;
  std::call_once(once, [] {
    page_size = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    struct sigaction action = {};
    action.sa_sigaction = on_bus_error;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    ::sigfillset(&action.sa_mask);
    ::sigaction(SIGBUS, &action, &before);
  });
}

Mapping::Guard* take_guard(const void* at, std::size_t size) {
  for (std::size_t i = 0; i < kMostGuards; ++i) {
    Mapping::Guard& guard = guards[i];
    if (guard.taken.exchange(true)) continue;
    std::size_t count = ever_taken.load();
    while (count <= i && !ever_taken.compare_exchange_weak(count, i + 1)) {
    }
    const auto begin = reinterpret_cast<std::uintptr_t>(at);
    guard.cut.store(false);
    guard.end.store((begin + size + page_size - 1) / page_size * page_size);
    guard.begin.store(begin);
    return &guard;
  }
  return nullptr;
}

}  // namespace

std::optional<Mapping> Mapping::of(int fd, std::size_t size) {
  install();
  void* const at = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) return std::nullopt;
  ::madvise(at, size, MADV_RANDOM);
  return Mapping(static_cast<const char*>(at), size, take_guard(at, size));
}

Mapping::~Mapping() {
  if (guard_ != nullptr) {
    guard_->begin.store(UINTPTR_MAX);
    guard_->end.store(0);
    guard_->taken.store(false);
  }
  if (at_ != nullptr) ::munmap(const_cast<char*>(at_), size_);
}

bool Mapping::was_cut() const {
  return guard_ != nullptr && guard_->cut.load();
}

}  // namespace table
