#include "postconf/text_form.h"

#include "base/text.h"

namespace postconf {
namespace {

ServiceEntry entry(std::string_view text) {
  return ServiceEntry(config::parse_service_line(text).value());
}

TEST(SettingText, RunsOfBlanksBecomeOne) {
  EXPECT_EQ(setting_text("a", " b \t\n c ", {}), "a = b c\n");
}

TEST(SettingText, AnEmptyValueLeavesNoBlankBehind) {
  EXPECT_EQ(setting_text("a", "", {}), "a =\n");
  EXPECT_EQ(setting_text("a", "", {.names = false}), "\n");
}

TEST(SettingText, NamesOrValuesCanBeLeftOut) {
  EXPECT_EQ(setting_text("a", "b  c", {.names = false}), "b c\n");
  EXPECT_EQ(setting_text("a", "b", {.values = false}), "a\n");
}

TEST(SettingText, FoldedLinesAreAtMostEightyWide) {
  EXPECT_EQ(setting_text("n", std::string(36, 'x') + ' ' + std::string(39, 'y'), {.fold = true}).size(), 81U);
  EXPECT_EQ(setting_text("n", std::string(36, 'x') + ' ' + std::string(40, 'y'), {.fold = true}),
            "n = " + std::string(36, 'x') + "\n    " + std::string(40, 'y') + "\n");
}

TEST(SettingText, AWordThatIsTooLongStandsAlone) {
  const std::string word(90, 'w');
  EXPECT_EQ(setting_text("a", word, {.fold = true}), "a =\n    " + word + "\n");
  EXPECT_EQ(setting_text("a", word, {.names = false, .fold = true}), word + "\n");
}

TEST(JsonText, EscapesWhatJsonMustEscape) {
  EXPECT_EQ(json_text("a\"\\", "b\tc\x01"), "{\"a\\\"\\\\\": \"b\\u0009c\\u0001\"}\n");
}

TEST(JsonText, KeepsUtf8AndReplacesWhatIsNone) {
  EXPECT_EQ(json_text("a", "\xc3\xbc\xff\xc3"), "{\"a\": \"\xc3\xbc\xEF\xBF\xBD\xEF\xBF\xBD\"}\n");
}

TEST(ServiceText, FieldsStandInColumns) {
  EXPECT_EQ(service_text(entry("smtp inet n - y 60? 1 smtpd"), false),
            "smtp       inet  n       -       y       60?     1       smtpd\n");
}

TEST(ServiceText, AWideFieldPushesTheNextOnes) {
  EXPECT_EQ(service_text(entry("verylongservicename unix-dgram n - n 10000000 - x"), false),
            "verylongservicename unix-dgram n - n     10000000 -      x\n");
}

TEST(ServiceText, EachOverrideHasALineOfItsOwnWhenFolded) {
  EXPECT_EQ(service_text(entry("a unix - - - - - x -v -o b=c -v -v -o {d=e f} g h"), true),
            "a          unix  -       -       -       -       -       x -v\n    -o b=c\n    -v -v\n    -o {d=e f}\n    "
            "g h\n");
}

TEST(ServiceText, GroupsKeepTheBracesThatTheyNeed) {
  EXPECT_EQ(command_text(entry("a unix - - - - - x { b  c } {d} {} { {e} }"), false, 0), "x {b  c} d {} {{e}}");
}

TEST(ServiceText, IsReadAgainAsWhatItWas) {
  const ServiceEntry first = entry("a unix - - - - - x -vo b=c -o { d = { e f } } { g  h } {i} {} j{k l}");
  const ServiceEntry second = entry(base::trim(service_text(first, true)));
  EXPECT_EQ(service_text(first, true), service_text(second, true));
  EXPECT_EQ(first.arguments.others, second.arguments.others);
}

}  // namespace
}  // namespace postconf
