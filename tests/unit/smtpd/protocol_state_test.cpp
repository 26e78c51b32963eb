// Every sequence of twelve commands, five deep, through the real session and through a model of it.

#include <gtest/gtest.h>

#include "lib/smtpd_world.h"

namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr int kStep = 41;  // every 41st sequence
#else
constexpr int kStep = 1;
#endif

enum class Bdat { none, receiving, failed };

// What RFC 5321 and RFC 3030 make of the commands, and nothing else.
struct Model {
  bool has_sender = false;
  int recipients = 0;
  Bdat bdat = Bdat::none;
  int messages = 0;

  void forget() {
    has_sender = false;
    recipients = 0;
    bdat = Bdat::none;
  }
  int hello() {
    forget();
    return 250;
  }
  int mail(bool good) {
    if (has_sender || bdat != Bdat::none) return 503;
    if (!good) return 501;
    has_sender = true;
    return 250;
  }
  int rcpt(bool good) {
    if (!has_sender || bdat != Bdat::none) return 503;
    if (!good) return 501;
    ++recipients;
    return 250;
  }
  int no_recipient() const { return has_sender ? 554 : 503; }
  int data() {
    if (bdat != Bdat::none) return 503;
    return recipients == 0 ? no_recipient() : 354;
  }
  int end_of_data() {
    ++messages;
    forget();
    return 250;
  }
  int chunk(bool last) {
    int code = 250;
    if (bdat == Bdat::failed)
      code = 551;
    else if (recipients == 0)
      code = no_recipient();
    else if (last)
      ++messages;
    bdat = code == 250 ? Bdat::receiving : Bdat::failed;
    if (last) forget();
    return code;
  }
};

constexpr int kCommands = 12;

// What a client sends, and what it hears.
void play(int command, Model& model, std::string& input, std::vector<int>& expected) {
  const auto say = [&](std::string_view text, int code) {
    input += text;
    expected.push_back(code);
  };
  switch (command) {
    case 0:
      return say("HELO client.example\r\n", model.hello());
    case 1:
      return say("EHLO client.example\r\n", model.hello());
    case 2:
      return say("MAIL FROM:<ann@client.example>\r\n", model.mail(true));
    case 3:
      return say("MAIL FROM:<ann@client.example\r\n", model.mail(false));
    case 4:
      return say("RCPT TO:<bob@example.test>\r\n", model.rcpt(true));
    case 5:
      return say("RCPT TO:<>\r\n", model.rcpt(false));
    case 6: {
      const int code = model.data();
      say("DATA\r\n", code);
      if (code == 354) say("Subject: x\r\n\r\nx\r\n.\r\n", model.end_of_data());
      return;
    }
    case 7:
      return say("BDAT 6\r\nNOOP\r\n", model.chunk(false));
    case 8:
      return say("BDAT 6 LAST\r\nQUIT\r\n", model.chunk(true));
    case 9:
      model.forget();
      return say("RSET\r\n", 250);
    case 10:
      return say("NOOP\r\n", 250);
    default:
      return say("VRFY bob@example.test\r\n", 252);
  }
}

TEST(ProtocolState, EverySequenceOfTwelveCommandsFiveDeepAgreesWithTheModel) {
  smtpd_world::World world;
  int played = 0;
  for (int number = 0; number < kCommands * kCommands * kCommands * kCommands * kCommands; number += kStep) {
    const logging::Capture quiet;
    Model model;
    std::string input;
    std::vector<int> expected;
    for (int rest = number, depth = 0; depth < 5; ++depth, rest /= kCommands)
      play(rest % kCommands, model, input, expected);
    input += "QUIT\r\n";
    expected.push_back(221);
    world.sink.begun.clear();
    ASSERT_EQ(world.codes(input), expected) << input;
    ASSERT_EQ(world.sink.finished().size(), static_cast<std::size_t>(model.messages)) << input;
    ++played;
  }
  EXPECT_EQ(played, (248832 + kStep - 1) / kStep);
}

// The same with a cleanup that takes nothing: no message comes to be, and the session goes on.
TEST(ProtocolState, ACleanupThatIsGoneCostsNoSession) {
  smtpd_world::World world;
  world.sink.append_fails = true;
  for (int number = 0; number < kCommands * kCommands * kCommands; ++number) {
    const logging::Capture quiet;
    Model model;
    std::string input = "EHLO client.example\r\nMAIL FROM:<ann@client.example>\r\nRCPT TO:<bob@example.test>\r\n";
    std::vector<int> ignored;
    model.mail(true);
    for (int rest = number, depth = 0; depth < 3; ++depth, rest /= kCommands)
      if (rest % kCommands != 6) play(rest % kCommands, model, input, ignored);
    input += "QUIT\r\n";
    const auto codes = world.codes(input);
    ASSERT_EQ(codes.back(), 221) << input;
    ASSERT_TRUE(world.sink.finished().empty()) << input;
  }
}

}  // namespace
