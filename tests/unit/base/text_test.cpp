#include "base/text.h"

namespace {

using base::printable;
using base::split;
using base::split_grouped;

using Items = std::vector<std::string_view>;

TEST(Text, KnowsItsCharacterClasses) {
  for (int i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    EXPECT_EQ(base::is_blank(c), i == ' ' || (i >= 9 && i <= 13)) << i;
    EXPECT_EQ(base::is_alnum(c), i < 128 && std::isalnum(i) != 0) << i;
    EXPECT_EQ(base::is_printable(c), i >= 32 && i < 127) << i;
  }
}

TEST(Text, FoldsAsciiOnly) {
  EXPECT_EQ(base::lower("ABC xyz 0-9 \xc3\x9c"), "abc xyz 0-9 \xc3\x9c");
  EXPECT_TRUE(base::equals_folded("MiXeD", "mIxEd"));
  EXPECT_FALSE(base::equals_folded("abc", "abcd"));
  EXPECT_TRUE(base::starts_with_folded("Owner-list", "owner-"));
  EXPECT_FALSE(base::starts_with_folded("own", "owner-"));
}

TEST(Text, TrimsBlanksAtBothEnds) {
  EXPECT_EQ(base::trim(" \t\v\f\r\na b \n"), "a b");
  EXPECT_EQ(base::trim_left("  a "), "a ");
  EXPECT_EQ(base::trim_right("  a "), "  a");
  EXPECT_EQ(base::trim("   "), "");
}

TEST(Text, SplitsAndForgetsEmptyItems) {
  EXPECT_EQ(split(", a,b\tc\r\nd ,"), (Items{"a", "b", "c", "d"}));
  EXPECT_EQ(split(" , "), Items{});
  EXPECT_EQ(split("a:b", ":"), (Items{"a", "b"}));
}

TEST(Text, KeepsSeparatorsInsideBraces) {
  EXPECT_EQ(split_grouped("a {b, c} d"), (Items{"a", "{b, c}", "d"}));
  EXPECT_EQ(split_grouped("inline:{a=b, {c = d}} e"), (Items{"inline:{a=b, {c = d}}", "e"}));
  EXPECT_EQ(split_grouped("{a}b c"), (Items{"{a}b", "c"}));
  EXPECT_EQ(split_grouped("a {b c"), (Items{"a", "{b c"}));
  EXPECT_EQ(split_grouped("a} b"), (Items{"a}", "b"}));
}

TEST(Text, MeasuresABalancedGroup) {
  EXPECT_EQ(base::balanced("{a{b}c} d"), 7u);
  EXPECT_EQ(base::balanced("{a{b}"), 0u);
  EXPECT_EQ(base::balanced("(a)", '(', ')'), 3u);
  EXPECT_EQ(base::balanced("{}"), 2u);
}

TEST(Text, ReadsWholeNumbersOnly) {
  EXPECT_EQ(base::to_long("-12"), -12);
  EXPECT_EQ(base::to_unsigned("12"), 12u);
  EXPECT_EQ(base::to_long("9223372036854775807"), 9223372036854775807L);
  for (const char* junk : {"", "x", "1x", " 1", "1 ", "+1", "--1", "0x10", "1.5", "9223372036854775808"}) {
    EXPECT_FALSE(base::to_long(junk)) << junk;
  }
  EXPECT_FALSE(base::to_unsigned("-1"));
}

TEST(Text, TellsDigits) {
  EXPECT_TRUE(base::all_digits("0123"));
  EXPECT_FALSE(base::all_digits(""));
  EXPECT_FALSE(base::all_digits("12a"));
}

TEST(Text, TellsAscii) {
  EXPECT_TRUE(base::is_ascii("a\x7f"));
  EXPECT_FALSE(base::is_ascii("a\x80"));
}

TEST(Utf8, IsTakenOnlyInItsShortestForm) {
  for (const char* good : {"", "a", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                           "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(base::is_valid_utf8(good)) << testing::PrintToString(good);
  }
  for (const char* bad : {"\x80", "\xc1\xbf", "\xc2",
                          "\xc2"
                          "a",
                          "\xe0\x9f\xbf", "\xe1\x80", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
                          "\xf5\x80\x80\x80", "\xff", "a\xf0\x90\x80"}) {
    EXPECT_FALSE(base::is_valid_utf8(bad)) << testing::PrintToString(bad);
  }
}

TEST(Printable, MasksControlsAndBrokenUtf8) {
  EXPECT_EQ(printable("a b~"), "a b~");
  EXPECT_EQ(printable(std::string_view("\0\t\n\r\x1b\x7f", 6)), "??????");
  EXPECT_EQ(printable("j\xc3\xbcrgen"), "j\xc3\xbcrgen");
  EXPECT_EQ(printable("\xff\xc3"), "??");
  EXPECT_EQ(printable("\xe2\x82"), "??");
}

TEST(Printable, MasksUnicodeThatActsOnTerminalsOrLines) {
  EXPECT_EQ(printable("\xc2\x80\xc2\x85\xc2\x9b\xc2\x9f\xc2\xa0"), "????\xc2\xa0");
  EXPECT_EQ(printable("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa\xe2\x80\xae\xe2\x80\xaf"),
            "\xe2\x80\xa7????\xe2\x80\xaf");
  EXPECT_EQ(printable("\xe2\x81\xa5\xe2\x81\xa6\xe2\x81\xa9\xe2\x81\xaa"), "\xe2\x81\xa5??\xe2\x81\xaa");
}

TEST(Printable, IsAlwaysValidUtf8) {
  std::string all;
  for (int i = 0; i < 65536; ++i) all += {static_cast<char>(i >> 8), static_cast<char>(i), static_cast<char>(i >> 4)};
  EXPECT_TRUE(base::is_valid_utf8(printable(all)));
}

}  // namespace
