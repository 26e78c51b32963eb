#include "rules_for_tests.h"

namespace restrictions {

namespace {

std::string answer(const std::string& restriction, std::string_view sender, std::string_view user) {
  Server server = server_with(restriction,
                              "smtpd_sasl_auth_enable = yes\nsmtpd_sender_login_maps = inline:{{s@s.test=joe jim},"
                              "{t@s.test=JOE},{@u.test=ann}}\n");
  server.sasl_username = user;
  return server.from(sender);
}

const std::string kNotLoggedIn = ": Sender address rejected: not logged in";
const std::string kNotOwned = ": Sender address rejected: not owned by user joe";

TEST(Logins, OwnersMustLogIn) {
  for (const char* name : {"reject_sender_login_mismatch", "reject_unauthenticated_sender_login_mismatch",
                           "reject_known_sender_login_mismatch"}) {
    EXPECT_EQ(answer(name, "s@s.test", ""), "553 5.7.1 <s@s.test>" + kNotLoggedIn) << name;
    EXPECT_EQ(answer(name, "x@s.test", ""), "ok") << name;
    EXPECT_EQ(answer(name, "x@u.test", ""), "553 5.7.1 <x@u.test>" + kNotLoggedIn) << name;
  }
  EXPECT_EQ(answer("reject_authenticated_sender_login_mismatch", "s@s.test", ""), "ok");
}

TEST(Logins, WhoHasLoggedInOwnsHisSender) {
  for (const char* name : {"reject_sender_login_mismatch", "reject_authenticated_sender_login_mismatch",
                           "reject_known_sender_login_mismatch"}) {
    EXPECT_EQ(answer(name, "s@s.test", "joe"), "ok") << name;
    EXPECT_EQ(answer(name, "t@s.test", "joe"), "ok") << name;
    EXPECT_EQ(answer(name, "s+ext@s.test", "jim"), "ok") << name;
    EXPECT_EQ(answer(name, "x@u.test", "joe"), "553 5.7.1 <x@u.test>" + kNotOwned) << name;
    EXPECT_EQ(answer(name, "", "joe"), "ok") << name;
  }
  EXPECT_EQ(answer("reject_unauthenticated_sender_login_mismatch", "x@u.test", "joe"), "ok");
}

TEST(Logins, AnAddressThatNobodyOwnsIsNobodysUnlessKnownOnesCount) {
  EXPECT_EQ(answer("reject_sender_login_mismatch", "x@s.test", "joe"), "553 5.7.1 <x@s.test>" + kNotOwned);
  EXPECT_EQ(answer("reject_authenticated_sender_login_mismatch", "x@s.test", "joe"),
            "553 5.7.1 <x@s.test>" + kNotOwned);
  EXPECT_EQ(answer("reject_known_sender_login_mismatch", "x@s.test", "joe"), "ok");
}

TEST(Logins, ATableThatCannotTellDefers) {
  const Server server =
      server_with("reject_sender_login_mismatch", "smtpd_sasl_auth_enable = yes\nsmtpd_sender_login_maps = fail:x\n");
  EXPECT_EQ(server.rcpt(), "451 4.3.0 <sender@client.test>: Temporary lookup failure");
}

TEST(Logins, WithoutSaslTheyAreIgnored) {
  const logging::Capture log;
  EXPECT_EQ(server_with("reject_sender_login_mismatch", "smtpd_sender_login_maps = static:joe\n").rcpt(), "ok");
  EXPECT_TRUE(log.contains("restriction `reject_authenticated_sender_login_mismatch' ignored: no SASL support"));
  EXPECT_TRUE(log.contains("restriction `reject_unauthenticated_sender_login_mismatch' ignored: no SASL support"));
}

}  // namespace

}  // namespace restrictions
