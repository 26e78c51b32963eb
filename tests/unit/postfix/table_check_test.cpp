#include "postfix/table_check.h"

namespace {

using Names = std::vector<std::string>;

TEST(TablesIn, AParameterOfTablesHoldsThemAll) {
  EXPECT_EQ(postfix::tables_in("virtual_alias_maps", "hash:/etc/postfix/virtual, proxy:unix:passwd.byname ldap:/etc/x"),
            (Names{"hash:/etc/postfix/virtual", "proxy:unix:passwd.byname", "ldap:/etc/x"}));
}

TEST(TablesIn, AGroupIsOneTable) {
  EXPECT_EQ(postfix::tables_in("header_checks", "regexp:{{/^a: b/ DISCARD}}, static:x"),
            (Names{"regexp:{{/^a: b/ DISCARD}}", "static:x"}));
}

TEST(TablesIn, ElsewhereOnlyTypesThatNothingElseIsCalled) {
  EXPECT_EQ(
      postfix::tables_in("smtpd_recipient_restrictions",
                         "check_client_access cidr:/etc/clients, check_policy_service unix:private/policy, reject"),
      (Names{"cidr:/etc/clients"}));
  EXPECT_EQ(postfix::tables_in("mydestination", "$myhostname, hash:/etc/local"), (Names{"hash:/etc/local"}));
  EXPECT_EQ(postfix::tables_in("content_filter", "smtp:[127.0.0.1]:10025"), Names{});
  EXPECT_EQ(postfix::tables_in("smtpd_milters", "unix:/run/milter inet:localhost:8891"), Names{});
  EXPECT_EQ(postfix::tables_in("mynetworks", "127.0.0.0/8 [::1]/128 cidr:/etc/networks"),
            (Names{"cidr:/etc/networks"}));
}

TEST(TablesIn, CachesAreNotYetThere) {
  EXPECT_EQ(postfix::tables_in("smtp_tls_session_cache_database", "btree:/var/lib/postfix/smtp_scache"), Names{});
  EXPECT_EQ(postfix::tables_in("address_verify_map", "btree:/var/lib/postfix/verify_cache"), Names{});
}

TEST(BuildCommand, NamesTheProgramThatMakesTheIndex) {
  EXPECT_EQ(postfix::build_command("virtual_alias_maps", "proxy:hash:/etc/v"), "postmap hash:/etc/v");
  EXPECT_EQ(postfix::build_command("alias_maps", "lmdb:/etc/aliases"), "postalias lmdb:/etc/aliases");
  EXPECT_EQ(postfix::build_command("header_checks", "regexp:/etc/h"), "");
}

}  // namespace
