#include "rules_for_tests.h"

#include "io/wait.h"

namespace restrictions {

namespace {

const std::string kDenied = "554 5.7.1 <ann@local.test>: Recipient address rejected: Access denied";

TEST(Generic, PermitRejectAndDefer) {
  EXPECT_EQ(server_with("permit").rcpt(), "ok");
  EXPECT_EQ(server_with("reject").rcpt(), kDenied);
  EXPECT_EQ(server_with("defer").rcpt(), "450 4.3.2 <ann@local.test>: Recipient address rejected: Try again later");
  EXPECT_EQ(server_with("reject", "reject_code = 550\n").rcpt(),
            "550 5.7.1 <ann@local.test>: Recipient address rejected: Access denied");
  EXPECT_EQ(server_with("defer", "defer_code = 455\n").rcpt(),
            "455 4.3.2 <ann@local.test>: Recipient address rejected: Try again later");
}

TEST(Generic, ACodeThatIsNoneIsNotSaid) {
  const logging::Capture log;
  EXPECT_EQ(server_with("reject", "reject_code = 250\n").rcpt(), "450 4.7.1 Service unavailable");
  EXPECT_TRUE(log.contains("SMTP reply code configuration error: 250 5.7.1 <ann@local.test>: Recipient address"));
}

TEST(Generic, TheStatusHasTheClassOfTheCode) {
  EXPECT_EQ(server_with("reject", "reject_code = 450\n").rcpt(),
            "450 4.7.1 <ann@local.test>: Recipient address rejected: Access denied");
}

TEST(Generic, DeferIfPermitDefersWhatAllElseAccepts) {
  EXPECT_EQ(server_with("defer_if_permit, permit").rcpt(),
            "450 4.7.0 <ann@local.test>: Recipient address rejected: defer_if_permit requested");
  EXPECT_EQ(server_with("defer_if_permit, reject").rcpt(), kDenied);
}

TEST(Generic, DeferIfRejectTurnsPermanentRejectionsTemporary) {
  EXPECT_EQ(server_with("defer_if_reject, reject").rcpt(),
            "450 4.7.0 <ann@local.test>: Recipient address rejected: defer_if_reject requested");
  EXPECT_EQ(server_with("defer_if_reject, defer").rcpt(),
            "450 4.3.2 <ann@local.test>: Recipient address rejected: Try again later");
  EXPECT_EQ(server_with("defer_if_reject, permit").rcpt(), "ok");
}

TEST(Generic, NothingMoreIsAskedOnceMailIsDeferredEitherWay) {
  EXPECT_EQ(server_with("defer_if_permit, defer_if_reject, check_sender_access fail:x").rcpt(),
            "450 4.7.0 <ann@local.test>: Recipient address rejected: defer_if_permit requested");
}

TEST(Generic, DeferIfRejectEndsWithItsList) {
  EXPECT_EQ(server_with("reject", "smtpd_client_restrictions = defer_if_reject\n").rcpt(), kDenied);
}

TEST(Generic, DeferIfPermitOutlivesItsList) {
  EXPECT_EQ(server_with("permit", "smtpd_client_restrictions = defer_if_permit\n").rcpt(),
            "450 4.7.0 <client.test[198.51.100.7]>: Client host rejected: defer_if_permit requested");
}

TEST(WarnIfReject, CoversTheNextRestrictionOnly) {
  const Server server = server_with("warn_if_reject reject_non_fqdn_sender, reject");
  EXPECT_EQ(server.rcpt(), kDenied);
  Server bare(
      "smtpd_recipient_restrictions = warn_if_reject, reject_non_fqdn_sender, reject_non_fqdn_recipient, reject\n"
      "smtpd_relay_restrictions =\n");
  bare.sender = "s";
  EXPECT_EQ(bare.rcpt("r"), "504 5.5.2 <r>: Recipient address rejected: need fully-qualified address");
  EXPECT_EQ(bare.notes(), std::vector<std::string>{
                              "reject_warning: 504 5.5.2 <s>: Sender address rejected: need fully-qualified address"});
}

TEST(WarnIfReject, CoversAllThatATableOrAClassNames) {
  Server server = server_with("warn_if_reject strict, permit",
                              "smtpd_restriction_classes = strict\nstrict = reject_non_fqdn_helo_hostname, reject\n");
  server.helo = "bare";
  EXPECT_EQ(server.rcpt(), "ok");
  EXPECT_EQ(server.notes(),
            (std::vector<std::string>{
                "reject_warning: 504 5.5.2 <bare>: Helo command rejected: need fully-qualified hostname",
                "reject_warning: 554 5.7.1 <ann@local.test>: Recipient address rejected: Access denied"}));
}

TEST(WarnIfReject, DoesNotCoverOurOwnMistakes) {
  EXPECT_EQ(server_with("warn_if_reject check_sender_access inline:{{sender@client.test=nonsense}}").rcpt(),
            "451 4.3.5 Server configuration error");
  EXPECT_EQ(server_with("warn_if_reject permit_mynetworks", "mynetworks = hash:/nonexistent/x\n").rcpt(),
            "451 4.3.0 <ann@local.test>: Temporary lookup failure");
}

TEST(WarnIfReject, MakesAWarningOfADeferral) {
  const Server server = server_with("warn_if_reject defer_if_permit, permit");
  EXPECT_EQ(server.rcpt(), "ok");
  EXPECT_EQ(server.notes(),
            std::vector<std::string>{
                "reject_warning: 450 4.7.0 <ann@local.test>: Recipient address rejected: defer_if_permit requested"});
}

TEST(Generic, SleepSleeps) {
  const auto began = io::Clock::now();
  EXPECT_EQ(server_with("sleep 1, permit").rcpt(), "ok");
  EXPECT_GE(io::Clock::now() - began, std::chrono::milliseconds(900));
}

TEST(Generic, RejectUnauthPipelining) {
  Server server("smtpd_data_restrictions = reject_unauth_pipelining\n");
  EXPECT_EQ(server.say(Stage::data), "ok");
  server.talks_ahead = [] { return true; };
  EXPECT_EQ(server.say(Stage::data),
            "503 5.5.0 <DATA>: Data command rejected: Improper use of SMTP command pipelining");
}

TEST(Generic, RejectPlaintextSession) {
  Server server = server_with("reject_plaintext_session");
  EXPECT_EQ(server.rcpt(), "450 4.7.1 Session encryption is required");
  server.tls.active = true;
  EXPECT_EQ(server.rcpt(), "ok");
  EXPECT_EQ(server_with("reject_plaintext_session", "plaintext_reject_code = 554\n").rcpt(),
            "554 5.7.1 Session encryption is required");
}

TEST(Generic, RejectMultiRecipientBounce) {
  Server server("smtpd_data_restrictions = reject_multi_recipient_bounce\n");
  server.sender = "";
  server.recipient_count = 2;
  EXPECT_EQ(server.say(Stage::data), "550 5.5.3 <DATA>: Data command rejected: Multi-recipient bounce");
  server.recipient_count = 1;
  EXPECT_EQ(server.say(Stage::data), "ok");
  server.recipient_count = 2;
  server.sender = "a@b.test";
  EXPECT_EQ(server.say(Stage::data), "ok");
}

TEST(Generic, RejectMultiRecipientBounceCountsTheRecipientThatIsNamed) {
  Server server = server_with("reject_multi_recipient_bounce");
  server.sender = "";
  EXPECT_EQ(server.rcpt(), "ok");
  server.recipient_count = 1;
  EXPECT_EQ(server.rcpt(), "550 5.5.3 <ann@local.test>: Recipient address rejected: Multi-recipient bounce");
}

TEST(Generic, NamesHaveNoCase) {
  EXPECT_EQ(server_with("Warn_If_Reject REJECT, Defer").rcpt(),
            "450 4.3.2 <ann@local.test>: Recipient address rejected: Try again later");
}

}  // namespace

}  // namespace restrictions
