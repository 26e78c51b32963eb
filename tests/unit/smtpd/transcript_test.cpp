// What the postmaster is told of a session.
#include "smtpd/transcript.h"

#include <gtest/gtest.h>

#include "lib/smtpd_world.h"

namespace {

using smtpd_world::World;

const std::string kMail = "EHLO c\r\nMAIL FROM:<ann@client.example>\r\nRCPT TO:<bob@example.test>\r\n";
const std::string kMessage = "DATA\r\nSubject: secret\r\n\r\nsecret\r\n.\r\n";

class Transcript : public testing::Test {
 protected:
  // The notices' texts; those of other messages do not count.
  std::vector<std::string> notices(std::string_view input) {
    World world("error_notice_recipient = watcher\n" + main_cf);
    world.sink.begin_fails = no_cleanup;
    world.say(input);
    std::vector<std::string> result;
    for (const auto& taken : world.sink.finished()) {
      if (!taken->has(queue::RecordType::sender, "double-bounce@mail.example.test")) continue;
      EXPECT_EQ(taken->of(queue::RecordType::recipient), std::vector<std::string>{"watcher"});
      result.push_back(fmt::format("{}\n", fmt::join(taken->of(queue::RecordType::text), "\n")));
    }
    return result;
  }
  std::string notice(std::string_view input) {
    const auto found = notices(input);
    EXPECT_EQ(found.size(), 1U);
    return found.empty() ? "" : found[0].substr(found[0].find("Subject:"));
  }

  std::string main_cf = "notify_classes = protocol\n";
  bool no_cleanup = false;
  logging::Capture log;
};

TEST_F(Transcript, TellsWhatBothSidesSaid) {
  EXPECT_EQ(notice("FOO\r\nQUIT\r\n"),
            "Subject: Postfix SMTP server: errors from unknown[192.0.2.7]\n\nTranscript of session follows.\n\n"
            " Out: 220 mail.example.test ESMTP Postfix\n In:  FOO\n Out: 500 5.5.2 Error: command not recognized\n"
            " In:  QUIT\n Out: 221 2.0.0 Bye\n\n\nFor other details, see the local mail logfile\n");
}

TEST_F(Transcript, TellsHowTheSessionEndedBeforeItsTime) {
  EXPECT_TRUE(notice("FOO\r\n").contains("\n\nSession aborted, reason: lost connection\n\nFor other details"));
}

TEST_F(Transcript, IsNotSentForClassesThatNobodyWants) {
  main_cf = "";
  EXPECT_TRUE(notices("FOO\r\nQUIT\r\n").empty());
  main_cf = "notify_classes =\n";
  EXPECT_TRUE(notices("FOO\r\nQUIT\r\n").empty());
  main_cf = "notify_classes = policy, data, bounce\n";
  EXPECT_TRUE(notices("FOO\r\nQUIT\r\n").empty());
}

TEST_F(Transcript, IsNotSentWhenMailWasTakenInTheEnd) {
  EXPECT_TRUE(notices("FOO\r\n" + kMail + kMessage + "QUIT\r\n").empty());
}

TEST_F(Transcript, HasNoContent) {
  const std::string text = notice(kMail + kMessage + "BDAT 6 LAST\r\nsecretFOO\r\n");
  EXPECT_FALSE(text.contains("secret"));
  EXPECT_TRUE(text.contains(" In:  DATA\n Out: 354 "));
}

TEST_F(Transcript, HasNoSecretsOfLogins) {
  const std::string text =
      notice("AUTH PLAIN c2VjcmV0\r\nAUTH LOGIN\r\nc2VjcmV0\r\nauth=PLAIN c2VjcmV0\r\nc2VjcmV0\r\nNOOP\r\nQUIT\r\n");
  EXPECT_FALSE(text.contains("c2VjcmV0")) << text;
  EXPECT_TRUE(text.contains(" In:  AUTH PLAIN (not shown)\n")) << text;
  EXPECT_TRUE(text.contains(" In:  AUTH LOGIN\n")) << text;
  EXPECT_TRUE(text.contains(" In:  NOOP\n")) << text;
}

TEST_F(Transcript, BeginsAnewWhenItIsLong) {
  main_cf += "smtpd_history_flush_threshold = 3\n";
  const auto found = notices("FOO\r\nNOOP\r\nRSET\r\nBAR\r\nQUIT\r\n");
  ASSERT_EQ(found.size(), 2U);
  EXPECT_FALSE(found[0].contains("BAR"));
  EXPECT_FALSE(found[1].contains("FOO"));
}

TEST_F(Transcript, OfAnEndlessSessionIsBounded) {
  std::string input = kMail;
  for (int i = 0; i < 20000; ++i) input += "BDAT 1\r\nx";
  const std::string text = notice(input + "FOO\r\nQUIT\r\n");
  EXPECT_LT(text.size(), 40U * 1024);
  EXPECT_TRUE(text.contains("lines are not shown)\n"));
  EXPECT_TRUE(text.contains(" In:  FOO\n"));
}

TEST_F(Transcript, LongLinesAreWrapped) {
  EXPECT_TRUE(notice("FOO one two three four five six seven eight nine ten eleven twelve thirteen fourteen\r\n")
                  .contains(" In:  FOO one two three four five six seven eight nine ten eleven twelve\n"
                            "     thirteen fourteen\n"));
}

TEST_F(Transcript, ThatCannotBePostedIsAWarning) {
  no_cleanup = true;
  EXPECT_TRUE(notices("FOO\r\nQUIT\r\n").empty());
  EXPECT_TRUE(log.contains("postmaster notify: no cleanup"));
}

TEST_F(Transcript, TroubleWithTheQueueIsOfResources) {
  main_cf = "";
  no_cleanup = true;
  EXPECT_TRUE(notices(kMail + "QUIT\r\n").empty());
  EXPECT_TRUE(log.contains("postmaster notify: no cleanup"));
}

TEST(Notices, OfUnknownClassesAreRefused) {
  EXPECT_THROW(World("notify_classes = resource, softwares\n"), base::Fatal);
}

}  // namespace
