#include "postcat/show.h"

#include <fmt/format.h>

#include "lib/message_text.h"
#include "logging/log.h"

namespace {

using postcat::Shown;
using tests::MessageText;
using tests::record;

std::string shown(std::string_view content, const Shown& what) {
  const base::Fd fd = tests::file_of(content);
  std::string text;
  const auto result = postcat::show(fd.get(), "file", what, [&](std::string_view part) { text += part; });
  return result ? text : text + "!" + result.error().text;
}

constexpr Shown kEnvelope{.header = false, .body = false};
constexpr Shown kHeader{.envelope = false, .body = false};
constexpr Shown kBody{.envelope = false, .header = false};

// A sender that a milter replaced.
std::string edited() {
  MessageText message;
  message.envelope = {record('T', "1 0"), record('S', "a-rather-long-sender@a.example")};
  std::string text = message.text();
  const auto sender = text.find("S\036a-rather");
  const auto heap = text.size();
  text += record('S', "new@a") + record('p', fmt::format("{:15}", sender + 32));
  return text.replace(sender, 17, record('p', fmt::format("{:15}", heap)));
}

TEST(Show, FollowsPointers) {
  const std::string text = shown(edited(), kEnvelope);
  EXPECT_TRUE(text.contains("sender: new@a\nrecipient: one@b.example\n")) << text;
}

TEST(Show, LeavesPointersAloneInFileOrder) {
  Shown what = kEnvelope;
  what.file_order = true;
  const std::string text = shown(edited(), what);
  EXPECT_TRUE(text.contains("pointer_record:             ")) << text;
  EXPECT_FALSE(text.contains("new@a")) << text;
}

TEST(Show, NamesTheFileBeforeEachLine) {
  Shown what;
  what.names = true;
  MessageText message;
  message.content = {record('N', "Subject: x"), record('N'), record('L', "one line "), record('N', "of text")};
  const std::string text = shown(message.text(), what);
  EXPECT_TRUE(text.starts_with("file: *** ENVELOPE RECORDS file ***\nfile: message_size: ")) << text;
  EXPECT_TRUE(text.contains("\nfile: Subject: x\nfile: \nfile: one line of text\nfile: *** HEADER")) << text;
}

TEST(Show, ALongHeaderLineIsHeaderToItsEnd) {
  MessageText message;
  message.content = {
      record('N', "Subject: x"), record('L', "X-Long: a"), record('N', "bbb"), record('N', " folded"), record('N'),
      record('N', "text")};
  EXPECT_EQ(shown(message.text(), kHeader), "Subject: x\nX-Long: abbb\n folded\n");
  EXPECT_EQ(shown(message.text(), kBody), "\ntext\n");
}

TEST(Show, AMessageWithoutHeaderIsAllBody) {
  MessageText message;
  message.content = {record('N', " text"), record('N', "a: b")};
  EXPECT_EQ(shown(message.text(), kHeader), "");
  EXPECT_EQ(shown(message.text(), kBody), " text\na: b\n");
}

TEST(Show, SaysWhatIsWrongWithAFileAfterWhatIsRight) {
  const std::string whole = MessageText().text();
  const std::string text = shown(std::string_view(whole).substr(0, 100), kEnvelope);
  EXPECT_TRUE(text.starts_with("*** ENVELOPE RECORDS file ***\nmessage_size: ")) << text;
  EXPECT_TRUE(text.ends_with("!file: record at offset 97: unexpected EOF in data, record type 84 length 16")) << text;
}

TEST(Show, EndsWherePointersGoRound) {
  const std::string text = shown(record('T', "1") + record('p', "0000000000003"), kEnvelope);
  EXPECT_TRUE(text.ends_with("too many reverse jump records")) << text;
}

TEST(Show, SurvivesFlippedBits) {
  const logging::Capture quiet;
  const std::string whole = edited();
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    (void)shown(flipped, Shown());
  }
}

}  // namespace
