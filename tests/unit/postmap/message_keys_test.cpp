#include "postmap/message_keys.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace postmap {

namespace {

// The keys, each with a bar behind it.
std::string keys(std::string_view message, MessageKeys::Wanted wanted, const MessageLimits& limits = {}) {
  std::string all;
  MessageKeys keys(wanted, limits, [&](std::string_view key) { all.append(key).push_back('|'); });
  while (!message.empty()) {
    const auto end = std::min(message.find('\n'), message.size());
    keys.line(message.substr(0, end));
    message.remove_prefix(std::min(end + 1, message.size()));
  }
  keys.end();
  return all;
}

constexpr MessageKeys::Wanted kHeaders{true, false, false};
constexpr MessageKeys::Wanted kBody{false, true, false};
constexpr MessageKeys::Wanted kMimeHeaders{true, false, true};
constexpr MessageKeys::Wanted kMimeBody{false, true, true};

}  // namespace

TEST(MessageKeys, JoinFoldedHeaders) {
  EXPECT_EQ(keys("A: b\n\tc\nD: e\n\nf: g\n", kHeaders), "A: b\n\tc|D: e|");
}

TEST(MessageKeys, TakeTheBlanksBeforeTheColonOut) {
  EXPECT_EQ(keys("A \t: b\n\n", kHeaders), "A: b|");
}

TEST(MessageKeys, EndHeadersAtWhatIsNone) {
  EXPECT_EQ(keys("A: b\nno header\nC: d\n", kHeaders), "A: b|");
  EXPECT_EQ(keys("A: b\nno header\nC: d\n", kBody), "|no header|C: d|");
  EXPECT_EQ(keys("From x\nA: b\n", kBody), "|From x|A: b|");
}

TEST(MessageKeys, TellTheEmptyLineOnce) {
  EXPECT_EQ(keys("A: b\n\n\nx\n", kBody), "||x|");
}

TEST(MessageKeys, OfNothingAreNone) {
  EXPECT_EQ(keys("", kHeaders), "");
  EXPECT_EQ(keys("A: b\n", kBody), "");
}

TEST(MessageKeys, WithMimeFindTheHeadersOfParts) {
  constexpr std::string_view kMessage =
      "Content-Type: multipart/mixed; boundary=\"b b\"\n\npre\n--b b\nX: y\n z\n\nbody\n--b b--\nA: b\n";
  EXPECT_EQ(keys(kMessage, kMimeHeaders), "Content-Type: multipart/mixed; boundary=\"b b\"|X: y\n z|");
  EXPECT_EQ(keys(kMessage, kMimeBody), "|pre|--b b||body|--b b--|A: b|");
}

TEST(MessageKeys, WithMimeFindTheHeadersOfAttachedMessages) {
  EXPECT_EQ(keys("Content-Type: message/rfc822\n\nA: b\n\nC: d\n", kMimeHeaders), "Content-Type: message/rfc822|A: b|");
  EXPECT_EQ(keys("Content-Type: multipart/digest; boundary=b\n\n--b\n\nA: b\n c\n\n", kMimeHeaders),
            "Content-Type: multipart/digest; boundary=b|A: b\n c|");
}

TEST(MessageKeys, KnowTheBoundariesOfOuterMultiparts) {
  constexpr std::string_view kMessage =
      "Content-Type: multipart/x; boundary=out\n\n--out\nContent-Type: multipart/x; boundary=in\n\n--in\nA: "
      "b\n\n--out\n"
      "C: d\n\n--in\nE: f\n\n";
  EXPECT_TRUE(keys(kMessage, kMimeHeaders).ends_with("A: b|C: d|"));
}

TEST(MessageKeys, SeeParametersThroughCommentsAndQuotes) {
  for (const char* type : {"multipart/x;boundary=b", "Multipart/X ; a=\"; boundary=z\" ; BOUNDARY = (c) \"b\"",
                           "(c) multipart / x (;boundary=z) ; boundary=b", "multipart/x; boundary=\"b"}) {
    EXPECT_TRUE(keys("Content-Type: " + std::string(type) + "\n\n--b\nA: b\n\n", kMimeHeaders).ends_with("A: b|"))
        << type;
  }
  for (const char* type : {"text/plain; boundary=b", "multipart/x boundary=b", "multipart/x; boundary*=b",
                           "multipart/x; boundary=", "\"multipart\"/x; boundary=b", "multipart/x; boundary=\"\""}) {
    EXPECT_FALSE(keys("Content-Type: " + std::string(type) + "\n\n--b\nA: b\n\n", kMimeHeaders).ends_with("A: b|"))
        << type;
  }
}

TEST(MessageKeys, StopJoiningHeadersThatAreTooLong) {
  EXPECT_EQ(keys("A: 1234\n 5\n 6\n 7\n\n", kHeaders, {.header_size = 9}), "A: 1234\n 5|");
}

TEST(MessageKeys, DoNotNestForEver) {
  std::string message;
  for (int i = 100; i < 120; ++i) {
    const std::string b = std::to_string(i);
    message += "Content-Type: multipart/x; boundary=" + b + "\n\n--" + b + "\n";
  }
  const std::string found = keys(message, kMimeHeaders, {.nesting = 3});
  EXPECT_EQ(std::ranges::count(found, '|'), 6);
}

TEST(MessageKeys, CompareTheBeginningOfLongBoundaries) {
  EXPECT_TRUE(keys("Content-Type: multipart/x; boundary=abcdef\n\n--abc\nA: b\n\n", kMimeHeaders, {.boundary = 3})
                  .ends_with("A: b|"));
}

}  // namespace postmap
