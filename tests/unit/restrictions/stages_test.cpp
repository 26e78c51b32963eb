// Which lists are asked when.

#include "io/fiber.h"
#include "rules_for_tests.h"

namespace restrictions {

namespace {

constexpr Stage kStages[] = {Stage::connect, Stage::helo,           Stage::mail, Stage::rcpt,
                             Stage::data,    Stage::end_of_message, Stage::etrn};

// The stages at which a list with `reject` refuses, and what it says at the first.
struct Refusals {
  std::string stages, reply;
};
Refusals refusals(const std::string& list, bool delay) {
  const Server server(fmt::format("{} = reject\nsmtpd_delay_reject = {}\n", list, delay ? "yes" : "no"));
  Refusals all;
  for (const Stage stage : kStages) {
    const std::string reply = server.say(stage);
    if (reply == "ok") continue;
    all.stages += fmt::format("{} ", name_of(stage));
    if (all.reply.empty()) all.reply = reply;
  }
  return all;
}

struct Row {
  std::string list, delayed, at_once, reply;
};
TEST(Stages, EachListHasItsOwn) {
  const std::string denied = " rejected: Access denied";
  for (const Row& row :
       {Row{"smtpd_client_restrictions", "RCPT ETRN ", "CONNECT ", "<client.test[198.51.100.7]>: Client host"},
        Row{"smtpd_helo_restrictions", "RCPT ETRN ", "HELO ", "<helo.test>: Helo command"},
        Row{"smtpd_sender_restrictions", "RCPT ", "MAIL ", "<sender@client.test>: Sender address"},
        Row{"smtpd_relay_restrictions", "RCPT ", "RCPT ", "<ann@local.test>: Recipient address"},
        Row{"smtpd_recipient_restrictions", "RCPT ", "RCPT ", "<ann@local.test>: Recipient address"},
        Row{"smtpd_data_restrictions", "DATA ", "DATA ", "<DATA>: Data command"},
        Row{"smtpd_end_of_data_restrictions", "END-OF-MESSAGE ", "END-OF-MESSAGE ", "<END-OF-MESSAGE>: End-of-data"},
        Row{"smtpd_etrn_restrictions", "ETRN ", "ETRN ", "<etrn.test>: Etrn command"}}) {
    const Refusals delayed = refusals(row.list, true), at_once = refusals(row.list, false);
    EXPECT_EQ(delayed.stages, row.delayed) << row.list;
    EXPECT_EQ(at_once.stages, row.at_once) << row.list;
    EXPECT_EQ(delayed.reply, "554 5.7.1 " + row.reply + denied);
    EXPECT_EQ(at_once.reply, "554 5.7.1 " + row.reply + denied);
  }
}

TEST(Stages, DelayedListsAreAskedInOrder) {
  Server server(
      "smtpd_client_restrictions = permit\nsmtpd_helo_restrictions = permit\nsmtpd_sender_restrictions = permit\n"
      "smtpd_recipient_restrictions = permit\n");
  std::vector<std::string> lists;
  for (const std::string& line : server.trace().lines) {
    if (line.starts_with("enter ")) lists.push_back(line.substr(6, line.find(' ', 6) - 6));
  }
  EXPECT_EQ(lists, (std::vector<std::string>{"smtpd_client_restrictions", "smtpd_helo_restrictions",
                                             "smtpd_sender_restrictions", "smtpd_relay_restrictions",
                                             "smtpd_recipient_restrictions"}));
}

TEST(Stages, RelayingComesBeforeOrAfterRecipients) {
  const std::string lists =
      "smtpd_relay_restrictions = reject\nsmtpd_recipient_restrictions = "
      "defer\nsmtpd_relay_before_recipient_restrictions = ";
  EXPECT_TRUE(Server(lists + "yes\n").rcpt().starts_with("554"));
  EXPECT_TRUE(Server(lists + "no\n").rcpt().starts_with("450"));
}

TEST(Stages, PermitEndsItsListOnly) {
  EXPECT_TRUE(
      Server("smtpd_relay_restrictions = permit\nsmtpd_recipient_restrictions = reject\n").rcpt().starts_with("554"));
}

TEST(Stages, PostmasterWithoutADomainIsNeverRefused) {
  Server server("smtpd_client_restrictions = reject\nsmtpd_recipient_restrictions = reject\n");
  EXPECT_EQ(server.rcpt("Postmaster"), "ok");
  EXPECT_NE(server.rcpt("postmaster@local.test"), "ok");
}

TEST(Stages, TheSenderOfProbesIsNeverRefused) {
  EXPECT_EQ(Server("smtpd_client_restrictions = reject\n").rcpt("double-bounce@local.test"), "ok");
  Server server("smtpd_client_restrictions = reject\naddress_verify_sender = probe@other.test\n");
  EXPECT_EQ(server.rcpt("Probe@Other.test"), "ok");
  EXPECT_NE(server.rcpt("double-bounce@local.test"), "ok");
  Server null("smtpd_client_restrictions = reject\naddress_verify_sender =\n");
  EXPECT_NE(null.rcpt(""), "ok");
}

TEST(Stages, WithoutHelloOrSenderTheirListsAreLeftOut) {
  Server server("smtpd_helo_restrictions = reject\n");
  server.has_helo = false;
  EXPECT_EQ(server.rcpt(), "ok");
}

TEST(Stages, ADeferralIsCarriedToRcpt) {
  Server server("smtpd_delay_reject = no\nsmtpd_client_restrictions = defer_if_permit\n");
  const Decision connect = server.decide(Stage::connect);
  EXPECT_EQ(connect.kind, Decision::Kind::accept);
  ASSERT_TRUE(connect.if_permit);
  EXPECT_EQ(server.rcpt(), "ok");
  server.earlier = &*connect.if_permit;
  EXPECT_EQ(server.rcpt(), "450 4.7.0 <client.test[198.51.100.7]>: Client host rejected: defer_if_permit requested");
  EXPECT_EQ(server.decide(Stage::helo).if_permit->reply.line(), connect.if_permit->reply.line());
  EXPECT_EQ(server.say(Stage::data), "ok");
  EXPECT_EQ(server.say(Stage::end_of_message), "ok");
}

TEST(Stages, VrfyWithoutASenderForgetsDeferralsOfTheClient) {
  const Server server("smtpd_client_restrictions = defer_if_permit\n");
  Subject subject = server.subject(Stage::rcpt);
  subject.stage = Stage::vrfy;
  EXPECT_NE(Server::text_of(server.rules().at_rcpt(subject)), "ok");
  subject.sender.reset();
  EXPECT_EQ(Server::text_of(server.rules().at_rcpt(subject)), "ok");
}

TEST(Stages, DeferralsOfLaterStagesAreSaidAtOnce) {
  EXPECT_EQ(Server("smtpd_data_restrictions = defer_if_permit\n").say(Stage::data),
            "450 4.7.0 <DATA>: Data command rejected: defer_if_permit requested");
  EXPECT_EQ(Server("smtpd_end_of_data_restrictions = defer_if_permit\n").say(Stage::end_of_message),
            "450 4.7.0 <END-OF-MESSAGE>: End-of-data rejected: defer_if_permit requested");
  EXPECT_EQ(Server("smtpd_etrn_restrictions = defer_if_permit\n").say(Stage::etrn),
            "450 4.7.0 <etrn.test>: Etrn command rejected: defer_if_permit requested");
}

TEST(Stages, OfARefusedRecipientWhatWasDecidedForTheMessageStays) {
  Server server("smtpd_sender_restrictions = check_sender_access static:HOLD\n");
  EXPECT_TRUE(server.rcpt("zoe@local.test").starts_with("550"));
  EXPECT_TRUE(server.decide(Stage::rcpt).effects.hold);
}

TEST(Classes, NestToALimit) {
  std::string classes = "smtpd_restriction_classes =", lists;
  for (int i = 0; i < 150; ++i) {
    classes += fmt::format(" c{}", i);
    lists += fmt::format("c{} = c{}\n", i, i + 1);
  }
  const logging::Capture log;
  Server server(classes + " c150\n" + lists + "c150 = permit\nsmtpd_client_restrictions = c0\n");
  EXPECT_EQ(server.rcpt(), "451 4.3.5 Server configuration error");
  Server shallow(classes + " c150\n" + lists + "c150 = reject\nsmtpd_client_restrictions = c80\n");
  EXPECT_TRUE(shallow.rcpt().starts_with("554"));
}

TEST(Classes, ThatATableNamesForEverEndAtTheLimit) {
  const logging::Capture log;
  Server server(
      "smtpd_restriction_classes = again\nagain = check_client_access static:again\n"
      "smtpd_client_restrictions = again\n");
  EXPECT_EQ(server.rcpt(), "451 4.3.5 Server configuration error");
}

// A session's fiber has 256 KiB, of which the session itself needs little.
TEST(Classes, ThatNestToTheLimitFitIntoHalfAStack) {
#ifdef __SANITIZE_ADDRESS__
  constexpr std::size_t kStack = 1024UL * 1024;  // its frames are larger
#else
  constexpr std::size_t kStack = 128UL * 1024;
#endif
  const logging::Capture log;
  Server server(
      "smtpd_restriction_classes = again\nagain = check_sender_access static:again\n"
      "smtpd_client_restrictions = again\n");
  std::string reply;
  io::Loop loop({.stack_size = kStack});
  io::spawn("session", [&] { reply = server.rcpt(); });
  loop.run();
  EXPECT_EQ(reply, "451 4.3.5 Server configuration error");
}

TEST(Observer, SeesEachStep) {
  Server server(
      "smtpd_client_restrictions = permit_mynetworks, check_client_access inline:{test=DUNNO}\n"
      "smtpd_helo_restrictions = warn_if_reject reject\n");
  const Trace trace = server.trace();
  for (const char* line :
       {"enter smtpd_client_restrictions (/etc/postfix/main.cf, line 11)",
        "ask permit_mynetworks (/etc/postfix/main.cf, line 11)", "look up mynetworks 198.51.100.7: nothing",
        "judge permit_mynetworks: dunno", "ask check_client_access inline:{test=DUNNO} (/etc/postfix/main.cf, line 11)",
        "look up inline:{test=DUNNO} client.test: nothing", "look up inline:{test=DUNNO} test: DUNNO",
        "leave smtpd_client_restrictions: dunno",
        "judge reject: reject_warning 554 5.7.1 <helo.test>: Helo command rejected: Access denied",
        "enter smtpd_relay_restrictions (default)", "judge defer_unauth_destination: dunno",
        "ask smtpd_reject_unlisted_recipient (default)", "look up local_recipient_maps ann: x",
        "judge smtpd_reject_unlisted_recipient: dunno"}) {
    EXPECT_TRUE(trace.has(line)) << line << "\n" << testing::PrintToString(trace.lines);
  }
}

TEST(Observer, SeesClassesAsLists) {
  Server server("smtpd_restriction_classes = strict\nstrict = reject\nsmtpd_client_restrictions = strict\n");
  const Trace trace = server.trace();
  EXPECT_TRUE(trace.has("enter strict (/etc/postfix/main.cf, line 12)"));
  EXPECT_TRUE(trace.has("leave strict: reject"));
  EXPECT_TRUE(trace.has("leave smtpd_client_restrictions: reject"));
}

TEST(Routes, AreAskedForOnceARecipient) {
  Server server(
      "smtpd_relay_restrictions = permit_auth_destination, reject\nsmtpd_recipient_restrictions = "
      "reject_unauth_destination, check_recipient_access inline:{a=b}, permit_auth_destination\n");
  int asked = 0;
  for (const std::string& line : server.trace().lines) asked += line.starts_with("decide address class");
  EXPECT_EQ(asked, 1);
}

}  // namespace

}  // namespace restrictions
