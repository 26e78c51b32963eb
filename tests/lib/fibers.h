#pragma once
// A test's body as a fiber.

#include <exception>
#include <functional>

#include "io/fiber.h"

namespace fibers {

// Runs the body as a fiber of a new loop, with what it throws.
inline void in_a_fiber(const std::function<void()>& body) {
  std::exception_ptr problem;
  {
    io::Loop loop;
    loop.spawn("test", [&] {
      try {
        body();
      } catch (const io::Cancelled&) {
        throw;
      } catch (...) {
        problem = std::current_exception();
      }
    });
    loop.run();
  }
  if (problem) std::rethrow_exception(problem);
}

}  // namespace fibers
