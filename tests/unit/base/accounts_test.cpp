#include "base/accounts.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace {

TEST(AccountName, IsKnownToTheMachine) {
  EXPECT_EQ(base::account_name(0).value(), "root");
  EXPECT_EQ(base::account_name(3999999999).value(), std::nullopt);
}

TEST(AccountName, IsNotNobodysWhenItCannotBeLookedUp) {
  struct rlimit usual{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &usual), 0);
  const int next = ::dup(0);
  ASSERT_GE(next, 0);
  ::close(next);
  struct rlimit low = usual;
  low.rlim_cur = static_cast<rlim_t>(next);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  const auto name = base::account_name(0);
  ::setrlimit(RLIMIT_NOFILE, &usual);
  ASSERT_FALSE(name);
  EXPECT_EQ(name.error().text, "cannot look up user id 0: Too many open files");
}

}  // namespace
