#include "local/users.h"

#include <pwd.h>
#include <unistd.h>

#include "lib/no_descriptors.h"
#include "local/mailboxes.h"

namespace {

using local::access_to_spool;
using local::find_user;

TEST(Users, AreThoseOfThePasswordDatabase) {
  const struct passwd* const me = ::getpwuid(::geteuid());
  ASSERT_NE(me, nullptr);
  const std::string name = me->pw_name;
  const delivery::Ids ids{me->pw_uid, me->pw_gid};
  const std::string home = me->pw_dir;
  const auto user = find_user(name);
  ASSERT_TRUE(user && *user);
  EXPECT_EQ((*user)->name, name);
  EXPECT_EQ((*user)->ids, ids);
  EXPECT_EQ((*user)->home, home);
}

TEST(Users, NobodyHasANameThatIsAPath) {
  for (const char* name : {"", ".", "..", "../root", "/root", "no-such-user-here"}) {
    const auto user = find_user(name);
    ASSERT_TRUE(user) << name;
    EXPECT_FALSE(*user) << name;
  }
}

TEST(Users, NobodyIsUnknownWhileNothingCanBeOpened) {
  NEEDS_NO_DESCRIPTORS();
  (void)find_user("no-such-user-here");  // loads all sources that there are
  const NoDescriptors none;
  const auto user = find_user("daemon");
  ASSERT_FALSE(user);
  EXPECT_EQ(user.error().text, "user lookup error: Too many open files");
}

TEST(SpoolAccess, IsTheUsersTheGroupsOrRoots) {
  const delivery::Ids jane{1000, 1001};
  struct stat directory{};
  directory.st_gid = 8;
  directory.st_mode = S_IFDIR | 01777;
  EXPECT_EQ(access_to_spool(directory, jane).opener, jane);
  directory.st_mode = S_IFDIR | 02775;
  EXPECT_EQ(access_to_spool(directory, jane).opener, (delivery::Ids{1000, 8}));
  EXPECT_FALSE(access_to_spool(directory, jane).give_to_owner);
  directory.st_mode = S_IFDIR | 0755;
  EXPECT_EQ(access_to_spool(directory, jane).opener, (delivery::Ids{0, 1001}));
  EXPECT_TRUE(access_to_spool(directory, jane).give_to_owner);
}

}  // namespace
