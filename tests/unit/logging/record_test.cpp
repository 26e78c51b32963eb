#include "logging/record.h"
#include "logging/only_ascii.h"

#include "base/text.h"

namespace {

using logging::cut;
using logging::Fields;
using logging::Level;
using logging::rendered;

std::string json(Level level, std::string_view text, Fields fields) {
  const std::string object =
      logging::as_json({level, "unit.test", rendered(text, fields), fields}, {"smtpd", "postfix", "mx"});
  return object.substr(object.find(",\"level\""));  // after the time
}

TEST(Rendered, IsAsciiWhereNothingElseIsWanted) {
  logging::log_only_ascii(true);
  const std::string text = rendered("[{name}]", {{"name", "\u00fc\xe9"}});
  logging::log_only_ascii(false);
  EXPECT_EQ(text, "[???]");
}

TEST(LogText, PutsFieldsIntoTheirPlaces) {
  EXPECT_EQ(rendered("{table}: duplicate entry: \"{key}\"", {{"table", "a.db"}, {"key", "k"}}),
            "a.db: duplicate entry: \"k\"");
}

TEST(LogText, WritesNumbersPlain) {
  EXPECT_EQ(rendered("{a} {b}", {{"a", -17}, {"b", 0.5}}), "-17 0.5");
}

TEST(LogText, LeavesBracesAloneThatNameNoField) {
  EXPECT_EQ(rendered("inline:{ {k=v} } {x", {{"k", "1"}}), "inline:{ {k=v} } {x");
  EXPECT_EQ(rendered("{", {}), "{");
  EXPECT_EQ(rendered("{{k}}", {{"k", "1"}}), "{1}");
}

TEST(LogText, DoesNotLookForFieldsInsideValues) {
  EXPECT_EQ(rendered("{a}{b}", {{"a", "{b}"}, {"b", "2"}}), "{b}2");
}

TEST(LogText, CannotBeBrokenIntoLinesByAValue) {
  EXPECT_EQ(rendered("from=<{a}>", {{"a", "x\nNov 1 mx postfix/smtpd[1]: forged\r\x1b[2J"}}),
            "from=<x?Nov 1 mx postfix/smtpd[1]: forged??[2J>");
}

TEST(LogText, KeepsUtf8AndMasksOtherBytes) {
  EXPECT_EQ(rendered("{a}", {{"a", "j\xc3\xbcrgen \xff\xc3"}}), "j\xc3\xbcrgen ??");
}

TEST(LogText, MasksControlsThatHideInUtf8) {
  EXPECT_EQ(rendered("{a}", {{"a",
                              "\xc2\x9b"
                              "2J \xc2\x85 \xe2\x80\xa8 \xe2\x80\xae"}}),
            "?2J ? ? ?");
}

TEST(LogText, EndsHugeTexts) {
  EXPECT_EQ(rendered("{a}", {{"a", std::string(1000000, 'x')}}).size(), 65536u);
}

TEST(LogText, BeginsWithItsSeverity) {
  const auto prefix = [](Level level) { return logging::as_text({level, "e", "t", {}}); };
  EXPECT_EQ(prefix(Level::debug), "t");
  EXPECT_EQ(prefix(Level::info), "t");
  EXPECT_EQ(prefix(Level::warning), "warning: t");
  EXPECT_EQ(prefix(Level::error), "error: t");
  EXPECT_EQ(prefix(Level::fatal), "fatal: t");
  EXPECT_EQ(prefix(Level::panic), "panic: t");
}

TEST(Cut, KeepsWholeCharacters) {
  EXPECT_EQ(cut("abc", 3), "abc");
  EXPECT_EQ(cut("abcd", 3), "abc");
  EXPECT_EQ(cut("ab\xc3\xbc", 3), "ab");
  EXPECT_EQ(cut("\xf0\x9f\x98\x80z", 3), "");
  EXPECT_EQ(cut("\xf0\x9f\x98\x80z", 4), "\xf0\x9f\x98\x80");
}

TEST(Cut, TakesAllBytesOfWhatIsNotUtf8) {
  EXPECT_EQ(cut(std::string(10, '\x80'), 7).size(), 7u);
}

TEST(LogJson, IsAnObjectWithItsFields) {
  EXPECT_EQ(
      json(Level::warning, "{who} {n}", {{"who", "me"}, {"n", 3}, {"x", 1.5}}),
      ",\"level\":\"warning\",\"host\":\"mx\",\"program\":\"postfix/smtpd\",\"pid\":" + std::to_string(::getpid()) +
          ",\"event\":\"unit.test\",\"text\":\"me 3\",\"fields\":{\"who\":\"me\",\"n\":3,\"x\":1.5}}");
}

TEST(LogJson, BeginsWithTheTimeInUtc) {
  const std::string object = logging::as_json({Level::info, "e", "t", {}}, {"p", "s", "h"});
  EXPECT_EQ(object.substr(0, 11), "{\"time\":\"20");
  EXPECT_EQ(object.substr(19, 1), "T");
  EXPECT_EQ(object.substr(28, 1), ".");
  EXPECT_EQ(object.substr(35, 3), "Z\",");
}

TEST(LogJson, EscapesWhatJsonReserves) {
  const std::string object = json(Level::info, "t", {{"f", std::string_view("\"\\\n\t\r\x01\x7f\0", 8)}});
  EXPECT_TRUE(object.contains("\"f\":\"\\\"\\\\\\n\\t\\r\\u0001\\u007f\\u0000\"")) << object;
}

TEST(LogJson, IsAlwaysUtf8) {
  const std::string object = json(Level::info, "t", {{"f", "\xff\xc3\xbc\xe2\x82"}});
  EXPECT_TRUE(object.contains("\"f\":\"\\ufffd\xc3\xbc\\ufffd\\ufffd\"")) << object;
  EXPECT_TRUE(base::is_valid_utf8(object));
}

TEST(LogJson, SpellsUnicodeControlsAndLineSeparators) {
  const std::string object = json(Level::info, "t", {{"f", "\xc2\x85\xe2\x80\xa8"}});
  EXPECT_TRUE(object.contains("\"f\":\"\\u0085\\u2028\"")) << object;
}

TEST(LogJson, HasNoNumberForWhatIsNone) {
  EXPECT_TRUE(json(Level::info, "t", {{"f", 1.0 / 0.0}}).contains("\"f\":null"));
}

TEST(LogJson, BoundsEachValue) {
  EXPECT_LT(json(Level::info, "{f}", {{"f", std::string(1000000, 'x')}}).size(), 4500u);
}

TEST(LogTag, JoinsTheSystemsNameAndThePrograms) {
  EXPECT_EQ(logging::tag({"smtpd", "postfix/submission", "h"}), "postfix/submission/smtpd");
  EXPECT_EQ(logging::tag({"smtpd", "", "h"}), "smtpd");
}

TEST(LogIdentity, IsMadeFitForALine) {
  const auto whole = logging::completed({"t\na", "", "mx.example.com"});
  EXPECT_EQ(whole.program, "t?a");
  EXPECT_EQ(whole.host, "mx");
  EXPECT_FALSE(logging::completed({"a", "", ""}).host.empty());
}

}  // namespace
