#include "config/main_cf.h"

namespace {

using Lines = std::vector<std::string>;

// "name=value" of each setting, then each remark with its place; or the error alone.
Lines parsed(std::string_view text) {
  const auto main_cf = config::parse_main_cf(text, "main.cf");
  if (!main_cf) return {"ERROR " + main_cf.error().text};
  Lines lines;
  for (const auto& [name, setting] : main_cf->settings) lines.push_back(name + "=" + setting.value);
  for (const auto& remark : main_cf->remarks) lines.push_back(remark.where.text() + ": " + remark.text);
  return lines;
}

TEST(MainCf, BlanksAroundTheEqualsSignAndAtTheEndDoNotCount) {
  EXPECT_EQ(parsed("a=1\nb = 2 \t\nc\t=\t3\nd =4\n"), (Lines{"a=1", "b=2", "c=3", "d=4"}));
}

TEST(MainCf, AValueMayBeEmptyOrHoldEqualsSigns) {
  EXPECT_EQ(parsed("a=\nb = c = d\ne == f\n"), (Lines{"a=", "b=c = d", "e== f"}));
}

TEST(MainCf, LinesMayEndInACarriageReturn) {
  EXPECT_EQ(parsed("a = x\r\nb = y \t\r\n"), (Lines{"a=x", "b=y"}));
}

TEST(MainCf, TheLastLineNeedsNoNewline) {
  EXPECT_EQ(parsed("a = x"), (Lines{"a=x"}));
}

TEST(MainCf, ContinuationLinesKeepTheirBlanksAndSkipComments) {
  EXPECT_EQ(parsed("a = x,\n  y\n# c\n\n   # d\n\tz\nb=1\n"), (Lines{"a=x,  y\tz", "b=1"}));
}

TEST(MainCf, ABackslashContinuesNothing) {
  EXPECT_EQ(parsed("a = x\\\nb = y\n"), (Lines{"a=x\\", "b=y"}));
}

TEST(MainCf, TheLastSettingWinsAndTheOthersAreRemarkedUpon) {
  EXPECT_EQ(parsed("a = 1\nb = 2\na = 3\na = 4\n"),
            (Lines{"a=4", "b=2", "main.cf, line 3: overriding earlier entry: a=1",
                   "main.cf, line 4: overriding earlier entry: a=3"}));
}

TEST(MainCf, NamesAreTakenAsTheyAre) {
  EXPECT_EQ(parsed("My-Name = 1\nmy$name = 2\nm\xC3\xA4x = 3\n"), (Lines{"My-Name=1", "my$name=2", "m\xC3\xA4x=3"}));
}

TEST(MainCf, ALineThatBeginsWithABlankAndContinuesNothingIsLeftOut) {
  EXPECT_EQ(parsed("# x\n  a = 1\n 2\nb = 3\n"),
            (Lines{"b=3", "main.cf, line 2: logical line must not start with whitespace: \"  a = 1 2\""}));
}

TEST(MainCf, ACommentAfterTextIsRemarkedUponAndStaysAPartOfIt) {
  EXPECT_EQ(parsed("a = b #c\n"),
            (Lines{"a=b #c", "main.cf, line 1: #comment after other text is not allowed: a = b #c"}));
  EXPECT_EQ(parsed("a = b#c\n"), (Lines{"a=b#c"}));
}

TEST(MainCf, ANameWithoutAnEqualsSignIsAnError) {
  EXPECT_EQ(parsed("# 1\nbadline\n"), (Lines{"ERROR main.cf, line 2: missing '=' after attribute name: \"badline\""}));
  EXPECT_EQ(parsed("my name = x\n"),
            (Lines{"ERROR main.cf, line 1: missing '=' after attribute name: \"my name = x\""}));
  EXPECT_EQ(parsed("{ a = b }\n"), (Lines{"ERROR main.cf, line 1: missing '=' after attribute name: \"{ a = b }\""}));
}

TEST(MainCf, AnEqualsSignWithoutANameIsAnError) {
  EXPECT_EQ(parsed("= x\n"), (Lines{"ERROR main.cf, line 1: missing attribute name: \"= x\""}));
}

TEST(MainCf, ANulByteIsAnErrorThatNamesTheLine) {
  EXPECT_EQ(parsed(std::string_view("a = 1\nb = \0\n", 12)),
            (Lines{"ERROR main.cf, line 2: the line contains a NUL byte; this is not a text file"}));
}

TEST(MainCf, AnEndlessLineIsAnErrorThatNamesTheLine) {
  EXPECT_EQ(parsed("a = " + std::string(300 * 1024, 'x')),
            (Lines{"ERROR main.cf, line 1: the line is longer than 262144 bytes"}));
}

TEST(MainCf, AFileThatCannotBeReadIsAnError) {
  EXPECT_EQ(config::read_main_cf("/nosuch/main.cf").error().text, "open /nosuch/main.cf: No such file or directory");
  EXPECT_EQ(config::read_main_cf("/tmp").error().text, "read /tmp: Is a directory");
}

TEST(MainCf, ControlBytesDoNotReachMessages) {
  EXPECT_EQ(parsed("a\x1B[1m\n"), (Lines{"ERROR main.cf, line 1: missing '=' after attribute name: \"a?[1m\""}));
}

std::string override_of(std::string_view word) {
  const auto parts = config::split_override(word);
  return parts ? parts->name + "|" + parts->value : parts.error().text;
}

TEST(Override, IsANameAndAValue) {
  EXPECT_EQ(override_of("a=b"), "a|b");
  EXPECT_EQ(override_of("a = b c "), "a|b c");
  EXPECT_EQ(override_of("a="), "a|");
}

TEST(Override, MayStandInBraces) {
  EXPECT_EQ(override_of("{ a = b c }"), "a|b c");
  EXPECT_EQ(override_of("{a={b}}"), "a|{b}");
}

TEST(Override, MistakesAreTold) {
  EXPECT_EQ(override_of("foo"), "invalid parameter override: foo: missing '=' after attribute name");
  EXPECT_EQ(override_of("=x"), "invalid parameter override: =x: missing attribute name");
  EXPECT_EQ(override_of("{}"), "invalid parameter override: {}: missing attribute name");
  EXPECT_EQ(override_of("{a=b"), "invalid parameter override: {a=b: missing '}'");
  EXPECT_EQ(override_of("{a=b} c"), "invalid parameter override: {a=b} c: text after '}'");
}

TEST(NameValue, MistakesAreTold) {
  EXPECT_EQ(config::split_name_value("a = b")->value, "b");
  EXPECT_EQ(config::split_name_value(" x ").error().text, "missing '=' after attribute name: \"x\"");
  EXPECT_EQ(config::split_name_value("= x").error().text, "missing attribute name: \"= x\"");
}

}  // namespace
