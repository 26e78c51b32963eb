#include "mail/text.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>

namespace mail {
namespace {

class Dates : public testing::Test {
 protected:
  static void zone(const char* name) {
    ::setenv("TZ", name, 1);
    ::tzset();
  }
  void TearDown() override { zone("UTC"); }
};

TEST_F(Dates, HaveTheLocalZone) {
  zone("UTC");
  EXPECT_EQ(date(1795258613), "Sat, 21 Nov 2026 10:56:53 +0000 (UTC)");
  zone("EST5");
  EXPECT_EQ(date(1795258613), "Sat, 21 Nov 2026 05:56:53 -0500 (EST)");
  zone("IST-5:30");
  EXPECT_EQ(date(1795258613), "Sat, 21 Nov 2026 16:26:53 +0530 (IST)");
}

TEST_F(Dates, HaveTwoDigitsForTheDay) {
  zone("UTC");
  EXPECT_EQ(date(0), "Thu, 01 Jan 1970 00:00:00 +0000 (UTC)");
  EXPECT_EQ(asctime(0), "Thu Jan  1 00:00:00 1970");
  EXPECT_EQ(asctime(1795258613), "Sat Nov 21 10:56:53 2026");
}

TEST(StatusCode, IsThreeNumbers) {
  for (const char* code : {"2.0.0", "4.7.999", "5.123.1"}) EXPECT_TRUE(is_status_code(code)) << code;
  for (const char* code : {"", "3.0.0", "5.0", "5.0.0.0", "5.1234.0", "5..0", "5.1.", "5.1.x", "55.1.1", "5.1.1 "}) {
    EXPECT_FALSE(is_status_code(code)) << code;
  }
}

TEST(SplitStatus, TakesACodeAtTheFront) {
  const auto split = split_status("5.7.1  go away", "5.0.0");
  EXPECT_EQ(split.code, "5.7.1");
  EXPECT_EQ(split.text, "go away");
  EXPECT_EQ(split_status("5.7.1", "5.0.0").text, "");
}

TEST(SplitStatus, HasADefault) {
  const auto split = split_status(" go away", "4.3.0");
  EXPECT_EQ(split.code, "4.3.0");
  EXPECT_EQ(split.text, "go away");
  EXPECT_EQ(split_status("5.7.1x", "4.3.0").text, "5.7.1x");
}

TEST(SplitStatus, KeepsTheClassOfTheDefault) {
  EXPECT_EQ(split_status("5.7.1 x", "4.0.0").code, "4.7.1");
}

TEST(Xtext, IsReversible) {
  EXPECT_EQ(to_xtext("a+b=c d\x7f"), "a+2Bb+3Dc+20d+7F");
  EXPECT_EQ(from_xtext("a+2Bb+3dc+20d"), "a+b=c d");
  EXPECT_EQ(from_xtext(""), "");
}

TEST(Xtext, IsRefusedWhenMalformed) {
  for (const char* bad : {"+", "+2", "a+2", "+2x", "+x2", "+00"}) EXPECT_FALSE(from_xtext(bad)) << bad;
}

TEST(Wrap, KeepsLinesWithinTheWidth) {
  EXPECT_EQ(wrap("one two three four", 9, 0, 2), (std::vector<std::string>{"one two", "  three", "  four"}));
}

TEST(Wrap, LetsALongWordStandAlone) {
  EXPECT_EQ(wrap("a extraordinarily b", 5, 0, 0), (std::vector<std::string>{"a", "extraordinarily", "b"}));
  EXPECT_EQ(wrap("extraordinarily", 5, 2, 0), (std::vector<std::string>{"  extraordinarily"}));
}

TEST(Wrap, MakesNothingOfNothing) {
  EXPECT_EQ(wrap("  ", 9, 0, 0), std::vector<std::string>{});
}

}  // namespace
}  // namespace mail
