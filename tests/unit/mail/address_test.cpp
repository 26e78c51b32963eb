#include "mail/address.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace mail {
namespace {

TEST(Quote, LeavesAtomsAndDotsAlone) {
  for (const char* plain : {"a@b", "a.b@c", "a!b%c@d", "x", "\xc3\xa9@b", "a+b_c-d@e", "{}|~=?#$&'*/@x"}) {
    EXPECT_EQ(quote(plain), plain);
  }
}

TEST(Quote, ProtectsWhatAHeaderWouldTakeApart) {
  EXPECT_EQ(quote("a b@c"), "\"a b\"@c");
  EXPECT_EQ(quote("a@b@c"), "\"a@b\"@c");
  EXPECT_EQ(quote("a\"b\\c@d"), "\"a\\\"b\\\\c\"@d");
  EXPECT_EQ(quote("a\x01z@d"), "\"a\x01z\"@d");
  EXPECT_EQ(quote("a\rb@d"), "\"a\\\rb\"@d");
}

TEST(Quote, DotsBelongBetweenAtoms) {
  EXPECT_EQ(quote(".a@b"), "\".a\"@b");
  EXPECT_EQ(quote("a.@b"), "\"a.\"@b");
  EXPECT_EQ(quote("a..b@c"), "\"a..b\"@c");
}

TEST(Quote, AnEmptyLocalPartIsWrittenAsOne) {
  EXPECT_EQ(quote(""), "\"\"");
  EXPECT_EQ(quote("@b"), "\"\"@b");
}

TEST(Quote, ASourceRouteIsNoLocalPart) {
  EXPECT_EQ(quote("@a,@b:c d@e"), "@a,@b:\"c d\"@e");
}

TEST(Unquote, TakesQuotesAndEscapesOff) {
  EXPECT_EQ(unquote("\"a b\"@c"), "a b@c");
  EXPECT_EQ(unquote("\"a\\\"b\"@c"), "a\"b@c");
  EXPECT_EQ(unquote("a\\ b@c"), "a b@c");
  EXPECT_EQ(unquote("\"a@b\"@c"), "a@b@c");
  EXPECT_EQ(unquote("\"a@b\""), "a@b");
  EXPECT_EQ(unquote("a@[b\\c]"), "a@[b\\c]");
}

TEST(Unquote, TakesQuotesOffTheDomainToo) {
  EXPECT_EQ(unquote("a@\"b c\""), "a@b c");
  EXPECT_EQ(unquote("\"a b\"@\"c d\""), "a b@c d");
  EXPECT_EQ(unquote("a@b\\ c"), "a@b c");
  EXPECT_EQ(unquote("x@\"\""), "x@");
}

TEST(Unquote, LeavesLiteralsAlone) {
  EXPECT_EQ(unquote("a@[b\"c]"), "a@[b\"c]");
  EXPECT_EQ(unquote("[a\"b]@c"), "[a\"b]@c");
  EXPECT_EQ(unquote("\"a[b\"c]@d"), "a[bc]@d");
  EXPECT_EQ(unquote("a@[b"), "a@[b");
}

TEST(Unquote, SurvivesWhatHasNoEnd) {
  EXPECT_EQ(unquote("\"a"), "a");
  EXPECT_EQ(unquote("a\\"), "a");
  EXPECT_EQ(unquote(""), "");
}

TEST(Split, IsAtTheLastAt) {
  const Split parts = split("a@b@c");
  EXPECT_EQ(parts.local, "a@b");
  EXPECT_EQ(parts.domain, "c");
  EXPECT_TRUE(parts.has_at);
  EXPECT_FALSE(split("a").has_at);
  EXPECT_TRUE(split("a@").has_at);
  EXPECT_EQ(split("a@").domain, "");
}

TEST(Hostname, IsLabelsOfLettersDigitsHyphensAndUnderscores) {
  for (const char* name : {"a", "a.b", "a-b.c_d", "1.a", "a.1", "xn--bcher-kva.example"}) {
    EXPECT_TRUE(is_valid_hostname(name)) << name;
  }
  for (const char* name : {"", ".", "a.", ".a", "a..b", "-a", "a-", "a.-b", "a b", "a/b", "[1.2.3.4]", "a:b"}) {
    EXPECT_FALSE(is_valid_hostname(name)) << name;
  }
}

TEST(Hostname, IsNotAllDigits) {
  EXPECT_FALSE(is_valid_hostname("1.2.3.4"));
  EXPECT_FALSE(is_valid_hostname("12345"));
}

TEST(Hostname, HasItsLimits) {
  EXPECT_TRUE(is_valid_hostname(fmt::format("{:a>63}.b", "")));
  EXPECT_FALSE(is_valid_hostname(fmt::format("{:a>64}.b", "")));
  std::string longest;
  for (int i = 0; i < 127; ++i) longest += "a.";
  EXPECT_TRUE(is_valid_hostname(fmt::format("{}b", longest)));
  EXPECT_FALSE(is_valid_hostname(fmt::format("{}bc", longest)));
}

TEST(Hostname, TakesUtf8OnlyWhenAskedTo) {
  EXPECT_FALSE(
      is_valid_hostname("b\xc3\xbc"
                        "cher.example"));
  EXPECT_TRUE(
      is_valid_hostname("b\xc3\xbc"
                        "cher.example",
                        Utf8::yes));
  EXPECT_FALSE(
      is_valid_hostname("b\xff"
                        "cher.example",
                        Utf8::yes));
}

TEST(Literal, IsAnAddressInBrackets) {
  for (const char* literal : {"[1.2.3.4]", "[ipv6:::1]", "[IPv6:2001:db8::1]"}) {
    EXPECT_TRUE(is_valid_literal(literal)) << literal;
  }
  for (const char* literal :
       {"[]", "[", "[::1]", "[x]", "[1.2.3]", "1.2.3.4", "[ipv6:1.2.3.4]", "[1.2.3.4", "[1.2.3.4]x"}) {
    EXPECT_FALSE(is_valid_literal(literal)) << literal;
  }
}

TEST(NumericDomain, IsAnAddressWithoutBrackets) {
  EXPECT_TRUE(is_numeric_domain("1.2.3.4"));
  EXPECT_FALSE(is_numeric_domain("[1.2.3.4]"));
  EXPECT_FALSE(is_numeric_domain("1.2.3.x"));
}

TEST(ForLog, QuotesWhereAskedAndMasksAlways) {
  EXPECT_EQ(for_log("a b@c", true), "\"a b\"@c");
  EXPECT_EQ(for_log("a b@c", false), "a b@c");
  EXPECT_EQ(for_log("a\nb@c", false), "a?b@c");
  EXPECT_EQ(for_log("", true), "");
}

}  // namespace
TEST(Verp, EachRecipientHasASenderOfItsOwn) {
  EXPECT_EQ(mail::verp_sender("list@l.example", "+=", "u@x.example"), "list+u=x.example@l.example");
  EXPECT_EQ(mail::verp_sender("list", "-=", "u"), "list-u");
}

TEST(Verp, WithoutTwoDelimitersTheSenderStays) {
  EXPECT_EQ(mail::verp_sender("list@l.example", "", "u@x.example"), "list@l.example");
  EXPECT_EQ(mail::verp_sender("list@l.example", "+", "u@x.example"), "list@l.example");
}

}  // namespace mail
