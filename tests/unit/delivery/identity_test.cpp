#include "delivery/identity.h"

#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

namespace {

using delivery::Identity;
using delivery::Ids;

// In a process of its own: what it does to its ids concerns nobody else. True: the body said so.
bool in_child(const std::function<bool()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body() ? 0 : 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

constexpr Ids kOwner{1, 1};
constexpr Ids kUser{12345, 12346};

bool is(const Ids& ids, std::size_t groups) {
  gid_t list[8];
  const int count = ::getgroups(8, list);
  return ::geteuid() == ids.uid && ::getegid() == ids.gid && count == static_cast<int>(groups) &&
         (groups == 0 || list[0] == ids.gid);
}

// As the service frame leaves an agent: root in reserve.
bool as_agent(const std::function<bool()>& body) {
  return in_child([&] {
    const gid_t group = kOwner.gid;
    if (::setgroups(1, &group) != 0 || ::setegid(kOwner.gid) != 0 || ::seteuid(kOwner.uid) != 0) return false;
    return body();
  });
}

class Identities : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  }
};

TEST_F(Identities, AreTakenOnAndOff) {
  EXPECT_TRUE(as_agent([] {
    {
      const auto identity = Identity::become(kUser);
      if (!identity || !is(kUser, 1)) return false;
    }
    return is(kOwner, 1);
  }));
}

TEST_F(Identities, AnExceptionTakesThemOff) {
  EXPECT_TRUE(as_agent([] {
    try {
      const auto identity = Identity::become(kUser);
      throw 1;
    } catch (int) {
      return is(kOwner, 1);
    }
  }));
}

TEST_F(Identities, MayBeNested) {
  EXPECT_TRUE(as_agent([] {
    const auto outer = Identity::become(kUser);
    {
      const auto inner = Identity::become({0, 0});
      if (!inner || !is({0, 0}, 1)) return false;
    }
    return is(kUser, 1);
  }));
}

TEST_F(Identities, AUserCannotReadWhatIsTheAgents) {
  EXPECT_TRUE(as_agent([] {
    const auto identity = Identity::become(kUser);
    return identity && ::access("/etc/shadow", R_OK) != 0 ? true : ::eaccess("/etc/shadow", R_OK) != 0;
  }));
}

TEST_F(Identities, WithoutRootOnlyOnesOwnCanBeHad) {
  EXPECT_TRUE(in_child([] {
    if (::setgroups(0, nullptr) != 0 || ::setresgid(7, 7, 7) != 0 || ::setresuid(7, 7, 7) != 0) return false;
    const auto own = Identity::become({7, 99});
    const auto other = Identity::become(kUser);
    return own && !other && other.error().text.contains("without root privileges") && ::geteuid() == 7;
  }));
}

TEST_F(Identities, AProcessThatCannotGoBackEnds) {
  EXPECT_FALSE(as_agent([] {
    {
      const auto identity = Identity::become(kUser);
      // Gives root up for good.
      if (::seteuid(0) != 0 || ::setresuid(kUser.uid, kUser.uid, kUser.uid) != 0) return true;
    }
    return true;  // not reached
  }));
}

}  // namespace
