// Where a message ends: what stands around the dot, in every combination, makes never two messages of one.

#include <gtest/gtest.h>

#include <array>

#include "lib/smtpd_world.h"

namespace {

using smtpd_world::World;

const std::array<std::string, 7> kEndings = {"\r\n", "\n", "\r", "\r\r", "\n\r", std::string(1, '\0'), ""};
const std::string kEnvelope = "EHLO client.example\r\nMAIL FROM:<ann@client.example>\r\nRCPT TO:<bob@example.test>\r\n";

std::string content(const std::string& before, const std::string& after, const std::string& between) {
  return "Subject: x\r\n\r\nfirst" + before + "." + after + "MAIL FROM:<evil@client.example>" + between +
         "RCPT TO:<bob@example.test>" + between + "DATA" + between + "smuggled";
}

template <typename Check>
void each_combination(Check check) {
  for (const std::string& before : kEndings)
    for (const std::string& after : kEndings)
      for (const std::string& between : kEndings) {
        const logging::Capture quiet;
        check(before, after, between);
      }
}

void expect_one_by_data(std::string_view setting) {
  World world(fmt::format("smtpd_forbid_bare_newline = {}\n", setting));
  each_combination([&](const std::string& before, const std::string& after, const std::string& between) {
    // A dot on a line of its own is the end, and what follows are commands, as everybody sees it.
    if (before == "\r\n" && after == "\r\n") return;
    world.sink.begun.clear();
    const auto codes = world.codes(kEnvelope + "DATA\r\n" + content(before, after, between) + "\r\n.\r\nQUIT\r\n");
    EXPECT_EQ(codes.size(), 6U);
    EXPECT_EQ(codes.back(), 221);
    EXPECT_EQ(world.sink.begun.size(), 1U);
    for (const auto& taken : world.sink.finished()) {
      ASSERT_TRUE(taken->has(queue::RecordType::sender, "ann@client.example"));
      // No line is left that another system could take for the end.
      for (const std::string& line : taken->content()) {
        ASSERT_NE(line, "N .");
        ASSERT_FALSE(line.contains('\n'));
      }
    }
  });
}

TEST(EndOfData, NormalizeNeverMakesTwoMessagesOfOne) {
  expect_one_by_data("normalize");
}
TEST(EndOfData, NoteNeverMakesTwoMessagesOfOne) {
  expect_one_by_data("note");
}
TEST(EndOfData, RejectNeverMakesTwoMessagesOfOne) {
  expect_one_by_data("reject");
}

TEST(EndOfData, ChunksNeverMakeTwoMessagesOfOne) {
  World world;
  each_combination([&](const std::string& before, const std::string& after, const std::string& between) {
    world.sink.begun.clear();
    const std::string text = content(before, after, between) + "\r\n.\r\n";
    const auto codes = world.codes(fmt::format("{}BDAT {} LAST\r\n{}QUIT\r\n", kEnvelope, text.size(), text));
    EXPECT_EQ(codes, (std::vector<int>{250, 250, 250, 250, 221}));
    EXPECT_EQ(world.sink.finished().size(), 1U);
  });
}

TEST(EndOfData, ChunksMayBeSplitAnywhere) {
  World world;
  const std::string text = "Subject: x\r\n\r\none\r\n.\r\n..\n\r\r\nend";
  std::vector<std::string> whole;
  for (std::size_t split = 0; split <= text.size(); ++split) {
    const logging::Capture quiet;
    world.sink.begun.clear();
    std::string input = kEnvelope;
    if (split > 0) input += fmt::format("BDAT {}\r\n{}", split, text.substr(0, split));
    input += fmt::format("BDAT {} LAST\r\n{}QUIT\r\n", text.size() - split, text.substr(split));
    ASSERT_EQ(world.codes(input).back(), 221);
    ASSERT_EQ(world.sink.finished().size(), 1U);
    if (split == 0) whole = world.sink.finished()[0]->content();
    ASSERT_EQ(world.sink.finished()[0]->content(), whole) << split;
  }
  EXPECT_EQ(whole, (std::vector<std::string>{"N Subject: x", "N ", "N one", "N .", "N ..", "N \r", "N end"}));
}

TEST(EndOfData, OldBehaviourEndsAtABareNewline) {
  World world("smtpd_forbid_bare_newline = no\n");
  const logging::Capture quiet;
  EXPECT_EQ(world.codes(kEnvelope + "DATA\r\na\n.\nQUIT\r\n"), (std::vector<int>{250, 250, 250, 354, 250, 221}));
}

TEST(EndOfData, ExcludedClientsKeepTheOldBehaviour) {
  World world("smtpd_forbid_bare_newline_exclusions = 192.0.2.0/24\n");
  const logging::Capture quiet;
  EXPECT_EQ(world.codes(kEnvelope + "DATA\r\na\n.\nQUIT\r\n"), (std::vector<int>{250, 250, 250, 354, 250, 221}));
}

TEST(EndOfData, RejectRefusesAMessageAndGoesOn) {
  World world("smtpd_forbid_bare_newline = reject\n");
  const logging::Capture log;
  EXPECT_EQ(world.codes(kEnvelope + "DATA\r\na\nb\r\n.\r\nQUIT\r\n"), (std::vector<int>{250, 250, 250, 354, 550, 221}));
  EXPECT_TRUE(
      log.contains("ABC123: reject: END-OF-MESSAGE from unknown[192.0.2.7]: bare <LF> received; "
                   "from=<ann@client.example> to=<bob@example.test> proto=ESMTP helo=<client.example>"));
}

TEST(EndOfData, RejectEndsASessionForACommandWithABareNewline) {
  World world("smtpd_forbid_bare_newline = reject\n");
  const logging::Capture quiet;
  EXPECT_EQ(world.codes("NOOP\r\nNOOP\nNOOP\r\n"), (std::vector<int>{250, 550}));
}

TEST(EndOfData, NoteIsTakenInTheLog) {
  World world("smtpd_forbid_bare_newline = note\n");
  const logging::Capture log;
  world.say(kEnvelope + "DATA\r\na\nb\r\n.\r\nQUIT\r\n");
  EXPECT_TRUE(log.contains("commands=5 notes=bare_lf"));
}

TEST(EndOfData, AClientThatGoesInTheMiddleLeavesNothing) {
  World world;
  const std::string whole = kEnvelope + "DATA\r\nSubject: x\r\n\r\ntext\r\n.\r\n";
  for (std::size_t size = kEnvelope.size(); size < whole.size(); ++size) {
    const logging::Capture quiet;
    world.sink.begun.clear();
    world.say(whole.substr(0, size));
    ASSERT_TRUE(world.sink.finished().empty()) << size;
  }
  const std::string chunks = kEnvelope + "BDAT 5\r\nabc\r\nBDAT 5 LAST\r\nabc\r\n";
  for (std::size_t size = kEnvelope.size(); size < chunks.size(); ++size) {
    const logging::Capture quiet;
    world.sink.begun.clear();
    world.say(chunks.substr(0, size));
    ASSERT_TRUE(world.sink.finished().empty()) << size;
  }
}

}  // namespace
