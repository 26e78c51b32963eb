#pragma once
// Blocking work off the loop: fsync, SQL and LDAP clients, Cyrus SASL, NSS look-ups.

#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

namespace io {

// How long the work takes: about as long as an fsync, or as long as another host likes.
enum class Pace { brief, slow };

namespace detail {
void run_offloaded(const std::function<void()>& work, Pace pace);
}

// Runs work on a worker thread and suspends the fiber until it is done; outside of a fiber, and when the loop has
// nothing else to run, simply calls it. What it throws is thrown here. The work cannot be cancelled: a cancelled fiber
// waits for it first. Slow work is handed over whenever there are other fibers at all: sessions that only wait now may
// be called upon meanwhile.
template <typename Work>
auto offload(Work&& work, Pace pace = Pace::brief) -> std::invoke_result_t<Work> {
  using Result = std::invoke_result_t<Work>;
  std::exception_ptr problem;
  if constexpr (std::is_void_v<Result>) {
    detail::run_offloaded(
        [&] {
          try {
            work();
          } catch (...) {
            problem = std::current_exception();
          }
        },
        pace);
    if (problem) std::rethrow_exception(problem);
  } else {
    std::optional<Result> result;
    detail::run_offloaded(
        [&] {
          try {
            result.emplace(work());
          } catch (...) {
            problem = std::current_exception();
          }
        },
        pace);
    if (problem) std::rethrow_exception(problem);
    return std::move(*result);
  }
}

}  // namespace io
