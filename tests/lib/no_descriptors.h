#pragma once
// Nothing can be opened while this lives. UndefinedBehaviorSanitizer opens a pipe to see whether an object is one, and
// takes every object for none then: NEEDS_NO_DESCRIPTORS() skips the test where it looks on.

#include <sys/resource.h>
#include <unistd.h>

#include <gtest/gtest.h>

#ifdef __SANITIZE_ADDRESS__
#define NEEDS_NO_DESCRIPTORS() GTEST_SKIP() << "the sanitizers need descriptors of their own"
#else
#define NEEDS_NO_DESCRIPTORS() static_assert(true)
#endif

class NoDescriptors {
 public:
  NoDescriptors() {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &usual_), 0);
    const int next = ::dup(STDIN_FILENO);
    EXPECT_GE(next, 0);
    ::close(next);
    const struct rlimit none{static_cast<rlim_t>(next), usual_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &usual_); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  struct rlimit usual_{};
};
