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

TEST(CommonNames, AreComparedAsDomains) {
  EXPECT_EQ(postfix::common_names("a.example, B.example hash:/x", "b.EXAMPLE, !a.example, hash:/x"),
            (Names{"b.example"}));
  EXPECT_EQ(postfix::common_names("", "a.example"), Names{});
}

TEST(SwallowedSettings, LookLikeSettingsButGoOnWithAnother) {
  const auto found = postfix::swallowed_settings("myhostname = a\n\n # x\n relayhost = b\nmydomain = c\n");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].line, 4);
  EXPECT_EQ(found[0].name, "relayhost");
  EXPECT_EQ(found[0].into, "myhostname");
}

TEST(SwallowedSettings, AreNoValuesThatHappenToHaveAnEqualSign) {
  EXPECT_TRUE(
      postfix::swallowed_settings(" relayhost = b\nimport_environment =\n  TZ=x\n  mine=y\n\t{a = b}\n").empty());
}

TEST(Clashes, AHealthyInstallationHasNone) {
  EXPECT_EQ(postfix::clashes(good()), Names{});
}

TEST(Clashes, AccountsAreSeparate) {
  const auto told = [](auto change) {
    auto accounts = good();
    change(accounts);
    const Names found = postfix::clashes(accounts);
    return found.size() == 1 ? found[0] : std::to_string(found.size()) + " texts";
  };
  using postfix::Accounts;
  EXPECT_EQ(told([](Accounts& a) { a.owner_uid = 0; }), "parameter mail_owner: user postfix has privileged user ID");
  EXPECT_EQ(told([](Accounts& a) { a.owner_gid = 0; }), "parameter mail_owner: user postfix has privileged group ID");
  EXPECT_EQ(told([](Accounts& a) { a.other_name_of_owner = "mail"; }),
            "parameter mail_owner: user postfix has same user ID as mail");
  EXPECT_EQ(told([](Accounts& a) { a.setgid_gid = 0; }),
            "parameter setgid_group: group postdrop has privileged group ID");
  EXPECT_EQ(told([](Accounts& a) { a.setgid_gid = a.owner_gid; }),
            "parameters mail_owner and setgid_group: user postfix and group postdrop have the same group ID: 102");
  EXPECT_EQ(told([](Accounts& a) { a.privs_uid = 0; }), "parameter default_privs: user nobody has privileged user ID");
  EXPECT_EQ(told([](Accounts& a) { a.privs_gid = 0; }), "parameter default_privs: user nobody has privileged group ID");
  EXPECT_EQ(told([](Accounts& a) { a.default_privs = "postfix"; }),
            "parameters default_privs and mail_owner specify the same user postfix");
  EXPECT_EQ(told([](Accounts& a) { a.privs_uid = a.owner_uid; }),
            "parameters default_privs and mail_owner: users nobody and postfix have the same user ID: 101");
  EXPECT_EQ(told([](Accounts& a) { a.privs_gid = a.owner_gid; }),
            "parameters default_privs and mail_owner: users nobody and postfix have the same group ID: 102");
  EXPECT_EQ(told([](Accounts& a) { a.privs_gid = a.setgid_gid; }),
            "parameters default_privs and setgid_group: user nobody and group postdrop have the same group ID: 103");
}

}  // namespace
