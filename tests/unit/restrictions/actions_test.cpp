// What access tables may say, each action once, on the sender.

#include "rules_for_tests.h"

namespace restrictions {

namespace {

struct Row {
  std::string action, reply;
};
// A test's name in the output: its action.
void PrintTo(const Row& row, std::ostream* out) {
  *out << '"' << row.action << '"';
}

std::string table_that_says(std::string_view action) {
  return fmt::format("check_sender_access inline:{{{{sender@client.test={}}}}}", action);
}

class Action : public testing::TestWithParam<Row> {};

TEST_P(Action, HasItsReply) {
  // Whoever is not permitted by the table is refused by the list.
  EXPECT_EQ(server_with(table_that_says(GetParam().action) + ", reject").rcpt(), GetParam().reply);
}

const std::string kList = "554 5.7.1 <ann@local.test>: Recipient address rejected: Access denied";
const std::string kNonsense = "451 4.3.5 Server configuration error";
std::string rejected(std::string_view code, std::string_view why) {
  return fmt::format("{} <sender@client.test>: Sender address rejected: {}", code, why);
}

INSTANTIATE_TEST_SUITE_P(
    All, Action,
    testing::Values(
        Row{"OK", "ok"}, Row{"ok", "ok"}, Row{"RELAY", "ok"}, Row{"0", "ok"}, Row{"123", "ok"}, Row{"521", "ok"},
        Row{"DUNNO", kList}, Row{"dunno whatever", kList}, Row{"REJECT", rejected("554 5.7.1", "Access denied")},
        Row{"REJECT go away", rejected("554 5.7.1", "go away")}, Row{"reject 5.7.99 go", rejected("554 5.7.99", "go")},
        Row{"REJECT 4.7.9 foo", rejected("554 5.7.9", "foo")}, Row{"REJECT 5.1.3 foo", rejected("554 5.1.7", "foo")},
        Row{"REJECT 5.7.1", rejected("554 5.7.1", "Access denied")}, Row{"550 nope", rejected("550 5.7.1", "nope")},
        Row{"550 5.1.1 nope", rejected("550 5.1.7", "nope")}, Row{"550  5.7.1   x", rejected("550 5.7.1", "x")},
        Row{"550 5.7.1", rejected("550 5.7.1", "Access denied")},
        Row{"450 4.2.2 later", rejected("450 4.2.2", "later")}, Row{"450 later", rejected("450 4.7.1", "later")},
        Row{"421 4.7.7 bye", rejected("421 4.7.7", "bye")}, Row{"521 gone", rejected("521 5.7.1", "gone")},
        Row{"DEFER", rejected("450 4.7.1", "Access denied")}, Row{"DEFER later", rejected("450 4.7.1", "later")},
        Row{"DEFER 4.1.1 later", rejected("450 4.1.7", "later")}, Row{"DEFER_IF_PERMIT", kList},
        Row{"DEFER_IF_REJECT", rejected("450 4.7.1", "Service unavailable")},
        Row{"DEFER_IF_REJECT 4.2.1 hm", rejected("450 4.2.1", "hm")}, Row{"HOLD", kList}, Row{"DISCARD", "ok"},
        Row{"FILTER smtp:[x]", kList}, Row{"REDIRECT a@b.test", kList}, Row{"BCC a@b.test", kList},
        Row{"PREPEND X: y", kList}, Row{"INFO text", kList}, Row{"WARN text", kList}, Row{"HANGUP", "hang up"},
        Row{"permit", "ok"}, Row{"permit_mynetworks, permit", "ok"},
        Row{"reject, permit", rejected("554 5.7.1", "Access denied")},
        Row{"permit_mynetworks,reject", rejected("554 5.7.1", "Access denied")}, Row{"warn_if_reject, reject", kList},
        Row{"warn_if_reject reject permit", "ok"}, Row{"reject_unauth_destination, permit", "ok"},
        Row{"sleep 0, permit", "ok"}, Row{"sleep", kNonsense}, Row{"BOGUS text", kNonsense}, Row{"5xx", kNonsense},
        Row{"399 x", kNonsense}, Row{"999 x", kNonsense}, Row{"5.7.1 x", kNonsense}, Row{"DELAY 1h", kNonsense},
        Row{"reject_unverified_sender", kNonsense}, Row{"check_sender_access hash:/x", kNonsense},
        Row{"check_policy_service inet:h:1", kNonsense}, Row{"hash:/x", kNonsense},
        Row{"check_relay_domains", kNonsense}));

Decision decision_of(std::string_view action) {
  Server server("smtpd_sender_restrictions = " + table_that_says(action) + "\n");
  return server.decide(Stage::rcpt);
}

TEST(Actions, DeferIfPermitDefersWhatWouldBeAccepted) {
  EXPECT_EQ(Server::text_of(decision_of("DEFER_IF_PERMIT")), rejected("450 4.7.1", "Service unavailable"));
  EXPECT_EQ(Server::text_of(decision_of("DEFER_IF_PERMIT 4.1.1 hm")), rejected("450 4.1.7", "hm"));
}

TEST(Actions, DeferIfRejectLetsMailThroughThatNobodyRejects) {
  EXPECT_EQ(Server::text_of(decision_of("DEFER_IF_REJECT")), "ok");
}

TEST(Actions, FourTwentyOneAndFiveTwentyOneDisconnect) {
  EXPECT_TRUE(decision_of("421 x").disconnect);
  EXPECT_TRUE(decision_of("521 x").disconnect);
  EXPECT_FALSE(decision_of("550 x").disconnect);
  EXPECT_TRUE(decision_of("HANGUP").disconnect);
}

TEST(Actions, TouchTheMessage) {
  EXPECT_TRUE(decision_of("HOLD").effects.hold);
  EXPECT_TRUE(decision_of("DISCARD").effects.discard);
  EXPECT_EQ(decision_of("FILTER smtp:[x]").effects.filter, "smtp:[x]");
  EXPECT_EQ(decision_of("REDIRECT a@b.test").effects.redirect, "a@b.test");
  EXPECT_EQ(decision_of("BCC a@b.test").effects.bcc, std::vector<std::string>{"a@b.test"});
  EXPECT_EQ(decision_of("PREPEND X: y z").effects.prepend, std::vector<std::string>{"X: y z"});
}

TEST(Actions, AreNoted) {
  const auto note_of = [](std::string_view action) {
    const auto notes = decision_of(action).notes;
    return notes.size() == 1 ? notes[0].action + "|" + notes[0].text : fmt::format("{} notes", notes.size());
  };
  EXPECT_EQ(note_of("HOLD"), "hold|<sender@client.test>: Sender address triggers HOLD action");
  EXPECT_EQ(note_of("HOLD why"), "hold|<sender@client.test>: Sender address why");
  EXPECT_EQ(note_of("DISCARD"), "discard|<sender@client.test>: Sender address triggers DISCARD action");
  EXPECT_EQ(note_of("FILTER smtp:x"), "filter|<sender@client.test>: Sender address triggers FILTER smtp:x");
  EXPECT_EQ(note_of("REDIRECT a@b"), "redirect|<sender@client.test>: Sender address triggers REDIRECT a@b");
  EXPECT_EQ(note_of("BCC a@b"), "bcc|<sender@client.test>: Sender address triggers BCC a@b");
  EXPECT_EQ(note_of("INFO a text"), "info|a text");
  EXPECT_EQ(note_of("WARN a text"), "warn|a text");
  EXPECT_EQ(note_of("HANGUP"), "hangup|");
  EXPECT_EQ(note_of("PREPEND a: b"), "0 notes");
}

struct Bad {
  std::string action, warning;
};
TEST(Actions, ThatLackWhatTheyNeedAreWarnedOfAndIgnored) {
  const std::string entry = " entry \"sender@client.test\" ";
  for (const Bad& bad :
       {Bad{"FILTER x", entry + "requires transport:destination"},
        Bad{"FILTER", entry + "has FILTER entry without value"},
        Bad{"REDIRECT ab", entry + "requires user@domain target"}, Bad{"BCC", entry + "requires user@domain target"},
        Bad{"PREPEND", entry + "requires header: text"}, Bad{"PREPEND foo", entry + "requires header: text"}}) {
    const logging::Capture log;
    const Decision decision = decision_of(bad.action);
    EXPECT_EQ(Server::text_of(decision), "ok") << bad.action;
    EXPECT_TRUE(decision.notes.empty() && decision.effects.bcc.empty() && decision.effects.prepend.empty());
    EXPECT_TRUE(log.contains(bad.warning)) << bad.action;
  }
}

TEST(Actions, AllBccsAreKeptAndTheLastRedirectWins) {
  Server server("smtpd_sender_restrictions = " + table_that_says("BCC a@x") + ", " + table_that_says("BCC b@x") + ", " +
                table_that_says("REDIRECT c@x") + ", " + table_that_says("REDIRECT d@x") + "\n");
  const Decision decision = server.decide(Stage::rcpt);
  EXPECT_EQ(decision.effects.bcc, (std::vector<std::string>{"a@x", "b@x"}));
  EXPECT_EQ(decision.effects.redirect, "d@x");
}

TEST(Actions, DiscardEndsAllQuestions) {
  Server server("smtpd_sender_restrictions = " + table_that_says("DISCARD") + ", reject\n");
  EXPECT_EQ(server.rcpt("carl@elsewhere.test"), "ok");
  const Server next("smtpd_client_restrictions = reject\n");
  Subject subject = next.subject(Stage::rcpt);
  subject.discarded = true;
  EXPECT_EQ(Server::text_of(next.rules().at_rcpt(subject)), "ok");
}

TEST(Actions, OnMessagesNeedAMessage) {
  const logging::Capture log;
  Server early("smtpd_delay_reject = no\nsmtpd_helo_restrictions = check_helo_access inline:{{helo.test=HOLD}}\n");
  EXPECT_FALSE(early.decide(Stage::helo).effects.hold);
  EXPECT_TRUE(log.contains("with smtpd_delay_reject=no, action HOLD is always skipped in Client host or Helo command"));
  Server etrn("smtpd_etrn_restrictions = check_etrn_access inline:{{etrn.test=REDIRECT a@b}}\n");
  EXPECT_TRUE(etrn.decide(Stage::etrn).effects.redirect.empty());
  EXPECT_TRUE(log.contains("action REDIRECT is unavailable in smtpd_etrn_restrictions"));
  Server late("smtpd_end_of_data_restrictions = " + table_that_says("PREPEND X: y") + "\n");
  EXPECT_TRUE(late.decide(Stage::end_of_message).effects.prepend.empty());
  EXPECT_TRUE(log.contains("action PREPEND must be used before smtpd_end_of_data_restrictions"));
}

TEST(Actions, ThatNameTablesAreExplainedInTheLog) {
  const logging::Capture log;
  EXPECT_EQ(Server::text_of(decision_of("hash:/tmp/x")), kNonsense);
  EXPECT_TRUE(log.contains("has entry with lookup table: hash:/tmp/x"));
  EXPECT_TRUE(log.contains("do not specify lookup tables inside SMTPD access maps"));
  EXPECT_TRUE(log.contains("define a restriction class and specify its name instead."));
}

TEST(Actions, WithoutTheirArgumentsAreNonsense) {
  const logging::Capture log;
  EXPECT_EQ(Server::text_of(decision_of("check_recipient_access")), kNonsense);
  EXPECT_TRUE(log.contains(
      "restriction check_recipient_access: bad argument \"check_recipient_access\": need maptype:mapname"));
  EXPECT_EQ(Server::text_of(decision_of("sleep")), kNonsense);
  EXPECT_TRUE(log.contains("restriction sleep must be followed by number"));
  EXPECT_EQ(Server::text_of(decision_of("reject_rbl_client")), "ok");
  EXPECT_TRUE(log.contains("restriction reject_rbl_client requires domain name argument"));
}

TEST(Actions, TellTheLogWhichStatusWasChanged) {
  const logging::Capture log;
  EXPECT_EQ(Server::text_of(decision_of("REJECT 4.1.2 x")), rejected("554 5.1.8", "x"));
  EXPECT_TRUE(log.contains("mapping DSN status 4.1.2 into Sender address status 4.1.8"));
}

TEST(Actions, ThatNobodyKnowsAreNamedInTheLog) {
  const logging::Capture log;
  EXPECT_EQ(Server::text_of(decision_of("fooo")), kNonsense);
  EXPECT_TRUE(log.contains("unknown smtpd restriction: \"fooo\""));
}

TEST(Actions, HaveTheirCodesFromMainCf) {
  Server server(
      "access_map_reject_code = 571\naccess_map_defer_code = 471\nsmtpd_sender_restrictions = check_sender_access "
      "inline:{{a@x.test=REJECT},{b@x.test=DEFER}}\n");
  EXPECT_EQ(server.from("a@x.test"), "571 5.7.1 <a@x.test>: Sender address rejected: Access denied");
  EXPECT_EQ(server.from("b@x.test"), "471 4.7.1 <b@x.test>: Sender address rejected: Access denied");
}

TEST(Actions, MayNameAClass) {
  Server server(
      "smtpd_restriction_classes = strict\nstrict = reject_non_fqdn_helo_hostname, permit\n"
      "smtpd_relay_restrictions = " +
      table_that_says("strict") + ", reject\n");
  EXPECT_EQ(server.rcpt(), "ok");
  server.helo = "bare";
  EXPECT_EQ(server.rcpt(), "504 5.5.2 <bare>: Helo command rejected: need fully-qualified hostname");
}

TEST(Actions, OfATableThatCannotTellAreAConfigurationError) {
  const logging::Capture log;
  const Server server = server_with("check_sender_access fail:x, permit");
  EXPECT_EQ(server.rcpt(), rejected("451 4.3.5", "Server configuration error"));
  EXPECT_TRUE(log.contains("fail:x lookup error for \"sender@client.test\""));
  EXPECT_EQ(server_with("check_sender_access hash:/nonexistent/x, permit").rcpt(),
            rejected("451 4.3.5", "Server configuration error"));
  EXPECT_EQ(server_with("warn_if_reject check_sender_access fail:x, permit").rcpt(), "ok");
}

TEST(Actions, AreOneLineOfAtMost510Bytes) {
  const std::string reply = Server::text_of(decision_of("REJECT a\tb" + std::string(600, 'x')));
  EXPECT_EQ(reply.size(), 510U);
  EXPECT_TRUE(reply.contains("a b"));
}

}  // namespace

}  // namespace restrictions
