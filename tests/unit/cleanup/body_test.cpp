#include "cleaning.h"
#include "cleanup/escapes.h"
#include "cleanup/mime.h"

using namespace cleaning;

class Body : public Cleaning {
 protected:
  Records of(const Records& lines, int flags = kSmtpd) {
    const Records records = clean(message({}, {}, lines), flags).between("M", "X");
    return {std::ranges::find(records, "N") + 1, records.end()};
  }
  std::string encoding_of(const std::string& content_type, const Records& body) {
    const Records end = clean(message({}, {"N Content-Type: " + content_type}, body)).between("X", "E");
    return end.size() > 1 ? end[1] : "";
  }
};

TEST_F(Body, IsPassedOnAsItIs) {
  const Records lines{"N a", "N", "L b", "N c", "N From x", std::string("N \0", 3)};
  EXPECT_EQ(of(lines), lines);
}
TEST_F(Body, AnUnterminatedLastLineIsEnded) {
  EXPECT_EQ(of({"N a", "L b"}), (Records{"N a", "L b", "N"}));
}
TEST_F(Body, StrayLineEndsBecomeBlanks) {
  EXPECT_EQ(of({"N a\rb\n", "N c"}), (Records{"N a b ", "N c"}));
  configure("cleanup_replace_stray_cr_lf = no");
  EXPECT_EQ(of({"N a\rb"}), Records{"N a\rb"});
}
TEST_F(Body, LosesStrippedCharacters) {
  configure("message_strip_characters = \\0~");
  EXPECT_EQ(of({std::string("N a\0b~", 6)}), Records{"N ab"});
  EXPECT_EQ(of({"N a~"}, kSmtpd & ~flag::kFilter), Records{"N a~"});
}
TEST_F(Body, IsRefusedForForbiddenCharacters) {
  configure("message_reject_characters = ^");
  const Cleaned result = clean(message({"A log_message_origin=c[1.2.3.4]", "A log_protocol_name=SMTP"}, {}, {"N x^y"}));
  EXPECT_EQ(result.status, status::kContent);
  EXPECT_EQ(result.reason, "5.7.1 disallowed character");
  EXPECT_TRUE(
      result.logged("9F850A78B12: reject: content x^y from c[1.2.3.4]; from=<s@fmt.test> to=<r@fmt.test> "
                    "proto=SMTP: 5.7.1 disallowed character"));
}
TEST_F(Body, OtherRecordsAreRefused) {
  EXPECT_EQ(clean(content({"N Received: x", "N", "R x"})).status, status::kBad);
  EXPECT_EQ(clean(content({"N Received: x", "R x"})).status, status::kBad);
}
TEST_F(Body, TellsOf8BitPartsOfAMultipart) {
  const Records part{"N --b", "N Content-Transfer-Encoding: 8bit", "N", "N x", "N --b--"};
  EXPECT_EQ(encoding_of("multipart/mixed; boundary=\"b\"", part), "A encoding=8bit");
  EXPECT_EQ(encoding_of("text/plain", part), "");
  EXPECT_EQ(encoding_of("multipart/mixed; boundary=c", part), "");
  configure("disable_mime_input_processing = yes");
  EXPECT_EQ(encoding_of("multipart/mixed; boundary=\"b\"", part), "");
}
TEST_F(Body, TellsOf8BitMessagesInAMessage) {
  EXPECT_EQ(encoding_of("message/rfc822", {"N Content-Transfer-Encoding:", "N  8bit", "N", "N x"}), "A encoding=8bit");
  EXPECT_EQ(encoding_of("multipart/digest; boundary=b", {"N --b", "N", "N Content-Transfer-Encoding: 8bit", "N"}),
            "A encoding=8bit");
}
TEST_F(Body, NothingIsLookedForBehindTheLastBoundary) {
  EXPECT_EQ(encoding_of("multipart/mixed; boundary=b",
                        {"N --b", "N", "N x", "N --b--", "N --b", "N Content-Transfer-Encoding: 8bit", "N"}),
            "");
}
TEST_F(Body, PartsNestNoDeeperThanTheLimit) {
  configure("mime_nesting_limit = 2");
  Records lines;
  for (int i = 0; i < 50; ++i)
    append(lines,
           {"N --b" + std::to_string(i), "N Content-Type: multipart/x; boundary=b" + std::to_string(i + 1), "N"});
  EXPECT_EQ(encoding_of("multipart/mixed; boundary=b0", lines), "");
}

TEST(ContentType, IsParsedWithCommentsAndQuotes) {
  const auto type =
      cleanup::parse_content_type(" Multipart (c) / Mixed (d) ; x=\"y;z\"; (e) Boundary (f) = \"a \\\"b\"");
  EXPECT_EQ(type.type, "multipart");
  EXPECT_EQ(type.subtype, "mixed");
  EXPECT_EQ(type.boundaries, std::vector<std::string>{"a \"b"});
}
TEST(ContentType, WhatIsNoneIsNothing) {
  for (const char* text : {"", ";", "/", "a/", "a/b;", "a/b; boundary", "a/b; boundary=", "(", "\"", "a/b;;;=;"})
    EXPECT_TRUE(cleanup::parse_content_type(text).boundaries.empty()) << text;
}

TEST(Escapes, AreThoseOfC) {
  EXPECT_EQ(cleanup::unescaped("a\\n\\101\\\\\\0"), std::string("a\nA\\\0", 5));
  for (const char* bad : {"\\", "\\x", "\\777", "\\9"}) EXPECT_FALSE(cleanup::unescaped(bad)) << bad;
}
