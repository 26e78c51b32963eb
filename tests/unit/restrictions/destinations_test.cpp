#include "logging/log.h"
#include "rules_for_tests.h"

namespace restrictions {

namespace {

TEST(Destinations, OnlyOursAndThoseWeRelayFor) {
  Server server(
      "smtpd_relay_restrictions = reject_unauth_destination\nvirtual_alias_domains = alias.test\n"
      "virtual_alias_maps = inline:{x@alias.test=ann}\nvirtual_mailbox_domains = box.test\n");
  for (const char* ours : {"ann@local.test", "ann", "x@relay.test", "x@sub.relay.test", "x@alias.test", "x@box.test",
                           "ann@[127.0.0.1]", "ANN@LOCAL.TEST"}) {
    EXPECT_EQ(server.rcpt(ours), "ok") << ours;
  }
  for (const char* foreign : {"a@other.test", "a@[192.0.2.1]", "a%other.test@local.test", "a@other.test@local.test",
                              "other.test!a@local.test", "a%b.test@relay.test"}) {
    EXPECT_EQ(server.rcpt(foreign), fmt::format("554 5.7.1 <{}>: Relay access denied", foreign));
  }
}

TEST(Destinations, TheStockRestrictionDefers) {
  Server server("smtpd_sasl_auth_enable = yes\n");
  EXPECT_EQ(server.rcpt("a@other.test"), "454 4.7.1 <a@other.test>: Relay access denied");
  server.client.address = "192.0.2.1";
  EXPECT_EQ(server.rcpt("a@other.test"), "ok");
  server.client.address = "198.51.100.7";
  server.sasl_username = "joe";
  EXPECT_EQ(server.rcpt("a@other.test"), "ok");
}

TEST(Destinations, PermitAuthDestination) {
  Server server("smtpd_relay_restrictions = permit_auth_destination, reject\n");
  EXPECT_EQ(server.rcpt("x@relay.test"), "ok");
  EXPECT_EQ(server.rcpt("x@other.test"), "554 5.7.1 <x@other.test>: Recipient address rejected: Access denied");
  EXPECT_EQ(server.rcpt("a%b.test@relay.test"),
            "554 5.7.1 <a%b.test@relay.test>: Recipient address rejected: Access denied");
}

TEST(Destinations, TheCodeCanBeSetAndRoutesTrusted) {
  Server server(
      "smtpd_relay_restrictions = reject_unauth_destination\nrelay_domains_reject_code = 550\n"
      "allow_untrusted_routing = yes\n");
  EXPECT_EQ(server.rcpt("a@other.test"), "550 5.7.1 <a@other.test>: Relay access denied");
  EXPECT_EQ(server.rcpt("a%b.test@relay.test"), "ok");
}

TEST(Destinations, ATableThatCannotTellDefers) {
  for (const char* restriction : {"permit_auth_destination, reject", "reject_unauth_destination"}) {
    Server server(fmt::format("smtpd_relay_restrictions = {}\ntransport_maps = fail:x\n", restriction));
    EXPECT_EQ(server.rcpt(), "451 4.3.0 <ann@local.test>: Temporary lookup failure");
  }
}

TEST(Destinations, AListOfDomainsThatIsNotThereIsTold) {
  for (const char* restriction : {"reject_unauth_destination", "reject_unlisted_recipient", "permit_mx_backup",
                                  "check_recipient_access static:OK", "reject_unknown_recipient_domain"}) {
    const logging::Capture log;
    Server server(
        fmt::format("smtpd_relay_restrictions = {}, reject\nmydestination = /nonexistent/domains\n", restriction));
    EXPECT_EQ(server.rcpt(), "451 4.3.0 <ann@local.test>: Temporary lookup failure") << restriction;
    EXPECT_TRUE(log.contains("mydestination: open file /nonexistent/domains: No such file or directory"));
  }
}

TEST(Destinations, DoNotMatterBeforeThereIsARecipient) {
  Server server("smtpd_delay_reject = no\nsmtpd_client_restrictions = reject_unauth_destination\n");
  EXPECT_EQ(server.say(Stage::connect), "ok");
}

}  // namespace

}  // namespace restrictions
