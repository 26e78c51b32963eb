#pragma once
// What AddressSanitizer must be told about stacks that it did not make. Nothing in an ordinary build.

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define POSTRIDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POSTRIDER_ASAN 1
#endif
#endif

#ifdef POSTRIDER_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif

namespace io::detail {

#ifdef POSTRIDER_ASAN
// `fake_stack` null: the stack that is being left will not be returned to.
inline void leave_stack(void** fake_stack, const void* to_low, std::size_t to_size) {
  __sanitizer_start_switch_fiber(fake_stack, to_low, to_size);
}
inline void arrive_on_stack(void* fake_stack, const void** from_low, std::size_t* from_size) {
  __sanitizer_finish_switch_fiber(fake_stack, from_low, from_size);
}
// Heap pointers that only a suspended fiber's stack holds are not leaks.
inline void stack_mapped(void* low, std::size_t size) {
  __lsan_register_root_region(low, size);
}
inline void stack_unmapped(void* low, std::size_t size) {
  __asan_unpoison_memory_region(low, size);
  __lsan_unregister_root_region(low, size);
}
// Frames that never returned, such as a fiber's first, leave their red zones behind.
inline void stack_abandoned(void* low, std::size_t size) {
  __asan_unpoison_memory_region(low, size);
}
#else
inline void leave_stack(void**, const void*, std::size_t) {}
inline void arrive_on_stack(void*, const void**, std::size_t*) {}
inline void stack_mapped(void*, std::size_t) {}
inline void stack_unmapped(void*, std::size_t) {}
inline void stack_abandoned(void*, std::size_t) {}
#endif

}  // namespace io::detail
