#include "rules_for_tests.h"

namespace restrictions {

namespace {

struct Row {
  std::string helo, invalid, non_fqdn;  // "" where it passes
};

TEST(Syntax, OfHeloNames) {
  Server invalid = server_with("reject_invalid_helo_hostname");
  Server old_name = server_with("reject_invalid_hostname");
  Server non_fqdn = server_with("reject_non_fqdn_helo_hostname");
  const std::string name = "Invalid name", literal = "invalid ip address", fqdn = "need fully-qualified hostname";
  for (const Row& row :
       {Row{"a.test", "", ""}, Row{"-foo.example", name, fqdn}, Row{"foo_bar.example", "", ""}, Row{"foo", "", fqdn},
        Row{"foo.example.", "", ""}, Row{"foo..", name, fqdn}, Row{"foo.", "", fqdn}, Row{".", name, fqdn},
        Row{"_foo..x", name, fqdn}, Row{"\xc3\xa9.example", name, fqdn}, Row{"#123", name, fqdn},
        Row{"1.2.3.4", "", fqdn}, Row{"1.2.3", name, fqdn}, Row{"::1", "", fqdn}, Row{"[1.2.3.4]", "", ""},
        Row{"[IPv6:::1]", "", ""}, Row{"[1.2.3.4", literal, literal}, Row{"[foo]", literal, literal}}) {
    invalid.helo = old_name.helo = non_fqdn.helo = row.helo;
    const auto expected = [&](std::string_view what) {
      return what.empty()
                 ? "ok"
                 : fmt::format("{} 5.5.2 <{}>: Helo command rejected: {}", what == fqdn ? 504 : 501, row.helo, what);
    };
    EXPECT_EQ(invalid.rcpt(), expected(row.invalid)) << row.helo;
    EXPECT_EQ(old_name.rcpt(), expected(row.invalid)) << row.helo;
    EXPECT_EQ(non_fqdn.rcpt(), expected(row.non_fqdn)) << row.helo;
  }
}

TEST(Syntax, OfHeloIsNobodysBusinessBeforeHelo) {
  Server server = server_with("reject_invalid_helo_hostname, reject_non_fqdn_hostname");
  server.helo = "-";
  server.has_helo = false;
  EXPECT_EQ(server.rcpt(), "ok");
}

TEST(Syntax, OfSenders) {
  Server server = server_with("reject_non_fqdn_sender");
  for (const char* good : {"a@b.test", "a@b.test.", "a@[1.2.3.4]", "", "a@\xc3\xa9.test"}) {
    EXPECT_EQ(server.from(good), "ok") << good;
  }
  for (const char* bad : {"s", "s@foo", "s@foo.", "s@", "s@foo..bar"}) {
    EXPECT_EQ(server.from(bad),
              fmt::format("504 5.5.2 <{}>: Sender address rejected: need fully-qualified address", bad));
  }
}

TEST(Syntax, OfRecipients) {
  Server server(
      "smtpd_relay_restrictions = reject_non_fqdn_recipient, reject_unauth_destination\n"
      "non_fqdn_reject_code = 550\n");
  EXPECT_EQ(server.rcpt("ann"), "550 5.5.2 <ann>: Recipient address rejected: need fully-qualified address");
  EXPECT_EQ(server.rcpt("ann@local.test"), "ok");
}

TEST(Syntax, CodesCanBeSet) {
  Server server = server_with("reject_invalid_helo_hostname", "invalid_hostname_reject_code = 450\n");
  server.helo = "[x]";
  EXPECT_EQ(server.rcpt(), "450 4.5.2 <[x]>: Helo command rejected: invalid ip address");
}

}  // namespace

}  // namespace restrictions
