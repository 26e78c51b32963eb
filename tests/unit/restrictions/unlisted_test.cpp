#include "rules_for_tests.h"

namespace restrictions {

namespace {

const std::string kClasses =
    "virtual_alias_domains = alias.test\nvirtual_alias_maps = inline:{x@alias.test=ann, bob@local.test=ann}\n"
    "virtual_mailbox_domains = box.test\nvirtual_mailbox_maps = inline:{x@box.test=x}\n"
    "relay_recipient_maps = inline:{x@relay.test=x}\ncanonical_maps = inline:{carl@local.test=c@other.test}\n"
    "relocated_maps = inline:{{dan@local.test=dan@new.test}}\n"
    "transport_maps = inline:{{e@relay.test=error:5.2.1 mailbox full},{f@relay.test=retry:4.2.2 later},"
    "{g@relay.test=error}}\n";

std::string rejected(std::string_view code, std::string_view address, std::string_view why) {
  return fmt::format("{} <{}>: Recipient address rejected: {}", code, address, why);
}

TEST(Unlisted, RecipientsAreRefusedWithTheirClass) {
  Server server(kClasses);
  for (const char* known : {"ann@local.test", "ann+ext@local.test", "bob@local.test", "carl@local.test", "x@alias.test",
                            "x@box.test", "x+y@box.test", "x@relay.test", "postmaster@local.test", "Postmaster",
                            "MAILER-DAEMON@local.test", "double-bounce@local.test"}) {
    EXPECT_EQ(server.rcpt(known), "ok") << known;
  }
  for (const auto& [address, where] :
       {std::pair("zoe@local.test", "local recipient"), std::pair("z@alias.test", "virtual alias"),
        std::pair("z@box.test", "virtual mailbox"), std::pair("z@relay.test", "relay recipient")}) {
    EXPECT_EQ(server.rcpt(address), rejected("550 5.1.1", address, fmt::format("User unknown in {} table", where)));
  }
}

TEST(Unlisted, WhatTheErrorTransportsSayIsSaid) {
  Server server(kClasses);
  EXPECT_EQ(server.rcpt("dan@local.test"), rejected("550 5.1.6", "dan@local.test", "User has moved to dan@new.test"));
  EXPECT_EQ(server.rcpt("e@relay.test"), rejected("550 5.2.1", "e@relay.test", "mailbox full"));
  EXPECT_EQ(server.rcpt("f@relay.test"), rejected("450 4.2.2", "f@relay.test", "later"));
  EXPECT_EQ(server.rcpt("g@relay.test"), rejected("550 5.1.1", "g@relay.test", "Address is undeliverable"));
}

TEST(Unlisted, CodesAndTheTablesNameCanBeSet) {
  Server server(kClasses +
                "unknown_local_recipient_reject_code = 450\nunknown_virtual_alias_reject_code = 551\n"
                "unknown_virtual_mailbox_reject_code = 552\nunknown_relay_recipient_reject_code = 553\n"
                "show_user_unknown_table_name = no\n");
  EXPECT_EQ(server.rcpt("zoe@local.test"), rejected("450 4.1.1", "zoe@local.test", "User unknown"));
  EXPECT_EQ(server.rcpt("z@alias.test"), rejected("551 5.1.1", "z@alias.test", "User unknown"));
  EXPECT_EQ(server.rcpt("z@box.test"), rejected("552 5.1.1", "z@box.test", "User unknown"));
  EXPECT_EQ(server.rcpt("z@relay.test"), rejected("553 5.1.1", "z@relay.test", "User unknown"));
}

TEST(Unlisted, AreNotLookedForWithoutTables) {
  Server server("local_recipient_maps =\nvirtual_mailbox_domains = box.test\n");
  for (const char* any : {"zoe@local.test", "z@box.test", "z@relay.test"}) EXPECT_EQ(server.rcpt(any), "ok");
}

TEST(Unlisted, LocalUsersAreTheSystemsAccountsByDefault) {
  Server server("local_recipient_maps = proxy:unix:passwd.byname $alias_maps\n");
  EXPECT_EQ(server.rcpt("root@local.test"), "ok");
  EXPECT_EQ(server.rcpt("no-such-account@local.test"),
            rejected("550 5.1.1", "no-such-account@local.test", "User unknown in local recipient table"));
}

TEST(Unlisted, ATableThatCannotTellDefers) {
  Server server("local_recipient_maps = fail:x\n");
  EXPECT_EQ(server.rcpt(), "451 4.3.0 <ann@local.test>: Temporary lookup failure");
}

TEST(Unlisted, RecipientsArePartOfTheListWhereItSaysSo) {
  const std::string unknown = rejected("550 5.1.1", "zoe@local.test", "User unknown in local recipient table");
  EXPECT_EQ(server_with("reject_unlisted_recipient, defer").rcpt("zoe@local.test"), unknown);
  EXPECT_EQ(server_with("check_recipient_maps, defer").rcpt("zoe@local.test"), unknown);
  EXPECT_EQ(server_with("permit", "smtpd_reject_unlisted_recipient = no\n").rcpt("zoe@local.test"), "ok");
  EXPECT_EQ(server_with("permit", "receive_override_options = no_unknown_recipient_checks\n").rcpt("zoe@local.test"),
            "ok");
}

TEST(Unlisted, AreAskedForOnceUnlessItOnlyWarned) {
  Server server = server_with("reject_unlisted_recipient, permit");
  int asked = 0;
  for (const std::string& line : server.trace().lines)
    asked += line == "look up local_recipient_maps ann@local.test: nothing";
  EXPECT_EQ(asked, 1);
  Server warning = server_with("warn_if_reject reject_unlisted_recipient, permit");
  EXPECT_EQ(warning.rcpt("zoe@local.test"),
            rejected("550 5.1.1", "zoe@local.test", "User unknown in local recipient table"));
  EXPECT_EQ(warning.notes().size(), 1U);
}

TEST(Unlisted, ADeferralComesFirst) {
  Server server("smtpd_client_restrictions = defer_if_permit\n");
  EXPECT_EQ(server.rcpt("zoe@local.test"),
            "450 4.7.0 <client.test[198.51.100.7]>: Client host rejected: defer_if_permit requested");
}

TEST(Unlisted, DoNotMatterForMailThatIsDiscarded) {
  Server server("smtpd_sender_restrictions = check_sender_access static:DISCARD\n");
  EXPECT_EQ(server.rcpt("zoe@local.test"), "ok");
}

TEST(Unlisted, SendersAreRefusedWhereWanted) {
  Server server(kClasses +
                "smtpd_sender_restrictions = reject_unlisted_sender\n"
                "sender_canonical_maps = inline:{sue@local.test=s@other.test}\n");
  const auto sender_rejected = [](std::string_view code, std::string_view address, std::string_view why) {
    return fmt::format("{} <{}>: Sender address rejected: {}", code, address, why);
  };
  for (const char* known : {"ann@local.test", "sue@local.test", "x@other.test", "", "x@alias.test"}) {
    EXPECT_EQ(server.from(known), "ok") << known;
  }
  EXPECT_EQ(server.from("zoe@local.test"),
            sender_rejected("550 5.1.0", "zoe@local.test", "User unknown in local recipient table"));
  EXPECT_EQ(server.from("z@alias.test"),
            sender_rejected("550 5.1.7", "z@alias.test", "User unknown in virtual alias table"));
  EXPECT_EQ(server.from("dan@local.test"),
            sender_rejected("550 5.1.7", "dan@local.test", "User has moved to dan@new.test"));
  EXPECT_EQ(server.from("g@relay.test"), sender_rejected("550 5.1.0", "g@relay.test", "Address is undeliverable"));
  Server implied("smtpd_reject_unlisted_sender = yes\n");
  EXPECT_EQ(implied.from("zoe@local.test"),
            sender_rejected("550 5.1.0", "zoe@local.test", "User unknown in local recipient table"));
}

}  // namespace

}  // namespace restrictions
