#include "cleanup/missing_headers.h"
#include "cleaning.h"

using namespace cleaning;

class MissingHeaders : public Cleaning {
 protected:
  std::string from_with(const std::string& full_name) {
    for (const std::string& line : clean(message({"F " + full_name})).records)
      if (line.starts_with("N From: ")) return line.substr(8);
    return {};
  }
};

TEST_F(MissingHeaders, AreAddedAtTheEndOfTheHeader) {
  EXPECT_EQ(header_of({"N Subject: x"}),
            (Records{"N Subject: x", "N Message-Id: <20261121110310.9F850A78B12@mx.fmt.test>",
                     "N Date: Sat, 21 Nov 2026 11:03:08 +0000 (UTC)", "N From: s@fmt.test"}));
}
TEST_F(MissingHeaders, AreNotAddedToMailFromElsewhere) {
  const Cleaned result = clean(message({"A rewrite_context=remote"}));
  EXPECT_EQ(result.between("N \tid", "X"), (Records{"N \tid 1; date", "N", "N hello"}));
  EXPECT_TRUE(result.logged("9F850A78B12: message-id=<>"));
  configure("always_add_missing_headers = yes");
  EXPECT_TRUE(clean(message({"A rewrite_context=remote"})).has("N From: s@fmt.test"));
}
TEST_F(MissingHeaders, OfResentMailAreResentOnes) {
  EXPECT_EQ(header_of({"N Resent-To: x@y"}),
            (Records{"N Resent-To: x@y", "N Resent-Message-Id: <20261121110310.9F850A78B12@mx.fmt.test>",
                     "N Resent-Date: Sat, 21 Nov 2026 11:03:08 +0000 (UTC)", "N Resent-From: s@fmt.test"}));
}
TEST_F(MissingHeaders, LongQueueIdsMakeShortMessageIds) {
  configure("enable_long_queue_ids = yes");
  EXPECT_EQ(header_of({}).at(0), "N Message-Id: <9F850A78B12@mx.fmt.test>");
}
TEST_F(MissingHeaders, UndisclosedRecipientsAreSaidOnlyWhenAskedFor) {
  EXPECT_EQ(header_of({}).size(), 3U);
  configure("undisclosed_recipients_header = To: undisclosed-recipients:;");
  EXPECT_EQ(header_of({"N Bcc: x"}).back(), "N To: undisclosed-recipients:;");
  EXPECT_EQ(header_of({"N Cc: x@y"}).back(), "N From: s@fmt.test");
}
TEST_F(MissingHeaders, TheFullNameIsQuotedWhereItMustBe) {
  EXPECT_EQ(from_with("Joe Doe"), "Joe Doe <s@fmt.test>");
  EXPECT_EQ(from_with("  Joe   Doe "), "Joe Doe <s@fmt.test>");
  EXPECT_EQ(from_with("John Q. Public"), "\"John Q. Public\" <s@fmt.test>");
  EXPECT_EQ(from_with("Doe, \"Joe\""), "\"Doe, \\\"Joe\\\"\" <s@fmt.test>");
}
TEST_F(MissingHeaders, TheObsoleteFormHasTheNameInAComment) {
  configure("header_from_format = obsolete");
  EXPECT_EQ(from_with("John Q. Public"), "s@fmt.test (John Q. Public)");
  EXPECT_EQ(from_with("Joe (x)"), "s@fmt.test (Joe (x))");
  EXPECT_EQ(from_with("Joe )x("), "s@fmt.test (Joe \\)x\\()");
}
TEST_F(MissingHeaders, NobodyIsMailerDaemon) {
  EXPECT_TRUE(clean({kTime, "S", "R r@x", "M", "N Received: x", "N", "X", "E"}).has("N From: MAILER-DAEMON"));
}
TEST_F(MissingHeaders, ANameCannotBringAHeaderOfItsOwn) {
  EXPECT_EQ(from_with("Joe\nBcc: victim@x").find('\n'), std::string::npos);
  EXPECT_EQ(from_with("Joe\rX\x01").find_first_of("\r\x01"), std::string::npos);
}
TEST_F(MissingHeaders, NamesThatAreNotAsciiAreEncoded) {
  EXPECT_EQ(from_with("José"), "=?utf-8?B?Sm9zw6k=?= <s@fmt.test>");
  EXPECT_EQ(from_with("José Maria Doe"), "=?utf-8?Q?Jos=C3=A9_Maria_Doe?= <s@fmt.test>");
  configure("full_name_encoding_charset = iso-8859-1");
  EXPECT_EQ(from_with("Jos\xE9 D"), "=?iso-8859-1?Q?Jos=E9_D?= <s@fmt.test>");
}
TEST(EncodedWords, TakeTheShorterEncoding) {
  EXPECT_EQ(cleanup::encoded_words("é", "utf-8"), "=?utf-8?B?w6k=?=");
  EXPECT_EQ(cleanup::encoded_words("Жук", "utf-8"), "=?utf-8?B?0JbRg9C6?=");
  EXPECT_EQ(cleanup::encoded_words("Jos\xC3\xA9 Maria", "utf-8"), "=?utf-8?Q?Jos=C3=A9_Maria?=");
}
TEST(EncodedWords, AreAtMost75BytesAndCutNoCharacter) {
  for (const char* piece : {"Ж", "aaaaaaaaaé", "\xFF"}) {
    std::string text;
    for (int i = 0; i < 100; ++i) text += piece;
    std::string rest = cleanup::encoded_words(text, "utf-8");
    while (!rest.empty()) {
      const std::string word = rest.substr(0, rest.find("\n "));
      EXPECT_LE(word.size(), 75U);
      EXPECT_TRUE(word.starts_with("=?utf-8?") && word.ends_with("?="));
      rest.erase(0, std::min(rest.size(), word.size() + 2));
    }
  }
}
