#include "base/accounts.h"

#include "lib/no_descriptors.h"

namespace {

TEST(AccountName, IsKnownToTheMachine) {
  EXPECT_EQ(base::account_name(0).value(), "root");
  EXPECT_EQ(base::account_name(3999999999).value(), std::nullopt);
}

// glibc asks the next source when it cannot open a file, and takes that one's word: the first look-up has loaded it.
TEST(AccountName, IsNotNobodysWhenItCannotBeLookedUp) {
  NEEDS_NO_DESCRIPTORS();
  (void)base::account_name(3999999999);
  const NoDescriptors none;
  const auto name = base::account_name(1);
  ASSERT_FALSE(name);
  EXPECT_EQ(name.error().text, "cannot look up user id 1: Too many open files");
}

}  // namespace
