#include "postfix/sense_check.h"

namespace {

using Names = std::vector<std::string>;

postfix::Accounts good() {
  return {.mail_owner = "postfix",
          .setgid_group = "postdrop",
          .default_privs = "nobody",
          .owner_uid = 101,
          .owner_gid = 102,
          .setgid_gid = 103,
          .privs_uid = 65534,
          .privs_gid = 65534,
          .other_name_of_owner = {}};
}

TEST(ServiceOf, IsWhatStandsBeforeTheNexthop) {
  EXPECT_EQ(postfix::service_of("smtp:[relay.example.com]:587"), "smtp");
  EXPECT_EQ(postfix::service_of("local"), "local");
  EXPECT_EQ(postfix::service_of(":[relay.example.com]"), "");
}

TEST(CommonNames, AreComparedAsDomains) {
  EXPECT_EQ(postfix::common_names("a.example, B.example hash:/x", "b.EXAMPLE, !a.example, hash:/x"),
            (Names{"b.example"}));
  EXPECT_EQ(postfix::common_names("", "a.example"), Names{});
}

TEST(Clashes, AHealthyInstallationHasNone) {
  EXPECT_EQ(postfix::clashes(good()), Names{});
}

TEST(Clashes, AccountsAreSeparate) {
  auto accounts = good();
  accounts.setgid_gid = accounts.owner_gid;
  EXPECT_EQ(postfix::clashes(accounts).size(), 1u);
  accounts = good();
  accounts.privs_uid = accounts.owner_uid;
  EXPECT_EQ(postfix::clashes(accounts).size(), 1u);
  accounts = good();
  accounts.privs_gid = accounts.setgid_gid;
  EXPECT_EQ(postfix::clashes(accounts).size(), 1u);
  accounts = good();
  accounts.privs_uid = 0;
  EXPECT_EQ(postfix::clashes(accounts).size(), 1u);
  accounts = good();
  accounts.other_name_of_owner = "mail";
  EXPECT_EQ(postfix::clashes(accounts).size(), 1u);
}

}  // namespace
