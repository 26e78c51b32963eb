#include "table/source.h"

#include <gtest/gtest.h>

#include "logging/log.h"
#include "table/source_files.h"

namespace table {

namespace {

std::string entries_of(std::string_view text, SourceSyntax syntax, bool utf8 = true) {
  Source source(text, "t", syntax, utf8);
  std::string all;
  while (true) {
    auto entry = source.next();
    if (!entry) return all + "error: " + entry.error().text;
    if (!*entry) return all;
    all += "[" + (*entry)->key + "=" + (*entry)->value + "]";
  }
}

std::string map(std::string_view text) {
  return entries_of(text, SourceSyntax::map);
}
std::string alias(std::string_view text) {
  return entries_of(text, SourceSyntax::alias);
}

std::string warning_of(std::string_view text, SourceSyntax syntax) {
  const logging::Capture log;
  entries_of(text, syntax);
  std::string all;
  for (const auto& event : log.events()) all += event.text + "\n";
  return all;
}

}  // namespace

TEST(MapSource, SplitsKeyAndValueAtBlanks) {
  EXPECT_EQ(map("a \t b c \n"), "[a=b c]");
}

TEST(MapSource, ContinuesLinesAndSkipsComments) {
  EXPECT_EQ(map("# c\na b\n  c\n\n# c\n d\ne f"), "[a=b  c d][e=f]");
}

TEST(MapSource, KeepsQuotesInKeys) {
  EXPECT_EQ(map("\"a b\\\" c\"@d e\n"), "[\"a b\\\" c\"@d=e]");
}

TEST(MapSource, NamesFileAndFirstLineOfWhatItCannotUse) {
  EXPECT_EQ(warning_of("\nnovalue\n", SourceSyntax::map), "t, line 2: expected format: key whitespace value\n");
  EXPECT_EQ(warning_of("\"a\n b\n", SourceSyntax::map),
            "t, line 1: unbalanced '\"' in '\"a b' -- ignoring this line\n");
}

TEST(MapSource, TakesAliasesWithAWarning) {
  EXPECT_EQ(warning_of("a: b\n", SourceSyntax::map),
            "t, line 1: record is in \"key: value\" format; is this an alias file?\n");
  EXPECT_EQ(map("a: b\n"), "[a:=b]");
}

TEST(MapSource, RefusesWhatIsNotUtf8UnlessTold) {
  EXPECT_EQ(warning_of("a\xff b\n", SourceSyntax::map), "t, line 1: non-UTF-8 input \"a? b\" -- ignoring this line\n");
  EXPECT_EQ(entries_of("a\xff b\n", SourceSyntax::map, false), "[a\xff=b]");
}

TEST(MapSource, PassesOverLinesThatContinueNothing) {
  EXPECT_EQ(warning_of("  x y\na b\n", SourceSyntax::map),
            "t: logical line must not start with whitespace: \"  x y\"\n");
  EXPECT_EQ(map("  x y\na b\n"), "[a=b]");
}

TEST(MapSource, EndsAtANulByteWithFileAndLine) {
  EXPECT_EQ(map(std::string_view("a b\nc\0d e\nf g\n", 14)),
            "error: t, line 2: the line contains a NUL byte; this is not a text file");
}

TEST(MapSource, EndsAtALineWithoutEnd) {
  const std::string text(9 * 1024 * 1024, 'x');
  EXPECT_TRUE(map(text).starts_with("error: t, line 1: the line is longer than"));
}

TEST(AliasSource, TakesQuotesAndBackslashesOffNames) {
  EXPECT_EQ(alias("\"a b\": c\n"), "[a b=c]");
  EXPECT_EQ(alias("\"a\\\"b\\\\c\": d\n"), "[a\"b\\c=d]");
  EXPECT_EQ(alias("a\\:b: c\n"), "[a:b=c]");
}

TEST(AliasSource, PutsOneBlankBetweenTheWordsOfNames) {
  EXPECT_EQ(alias("two \t words: x\n"), "[two words=x]");
  EXPECT_EQ(alias("a . b: x\n"), "[a.b=x]");
  EXPECT_EQ(alias("a(b)\"c\": x\n"), "[a (b) c=x]");
}

TEST(AliasSource, TidiesValues) {
  EXPECT_EQ(alias("a: b ,c,, d\n"), "[a=b, c, , d]");
  EXPECT_EQ(alias("a: u @ x . org  v\n"), "[a=u@x.org v]");
  EXPECT_EQ(alias("a: b<c>d (x)[y]\n"), "[a=b <c>d (x) [y]]");
  EXPECT_EQ(alias("a: :include:/x\n"), "[a=:include:/x]");
}

TEST(AliasSource, KeepsQuotesInValuesAndAddsThemWhereNeeded) {
  EXPECT_EQ(alias("a: \"|/bin/x  -a 'b c'\"\n"), "[a=\"|/bin/x  -a 'b c'\"]");
  EXPECT_EQ(alias("a: |\"x y\"\n"), "[a=|\"x y\"]");
  EXPECT_EQ(alias("a: b\\,c\n"), "[a=\"b,c\"]");
  EXPECT_EQ(alias("a: \"open\n"), "[a=\"open\"]");
}

TEST(AliasSource, NeedsBothSides) {
  for (const char* line : {"a\n", "a:\n", "a: \n", ": b\n", "a, b: c\n", "\"a: b\n", "(a: b\n", "a: \\\n"}) {
    EXPECT_EQ(warning_of(line, SourceSyntax::alias), "t, line 1: need name:value pair\n") << line;
  }
}

TEST(AliasSource, TakesOnlyLocalNames) {
  EXPECT_EQ(warning_of("a@b: c\n", SourceSyntax::alias), "t, line 1: name must be local\n");
  EXPECT_EQ(warning_of("a%b: c\n", SourceSyntax::alias), "t, line 1: name must be local\n");
  EXPECT_EQ(alias("\"a@b\": c\n"), "[a@b=c]");
}

TEST(FileValues, AreConcatenatedInBase64) {
  const std::string folder = testing::TempDir();
  const std::string one = folder + "source_test_one";
  std::FILE* file = std::fopen(one.c_str(), "w");
  ASSERT_NE(file, nullptr);
  std::fputs("hello\n", file);
  std::fclose(file);
  EXPECT_EQ(encode_files(one).value(), "aGVsbG8K");
  EXPECT_EQ(encode_files(one + ", " + one).value(), "aGVsbG8KCmhlbGxvCg==");
  EXPECT_EQ(decode_files("aGVsbG8KCmhlbGxvCg=="), "hello\n\nhello\n");
  EXPECT_EQ(encode_files(" , ").error().text, "empty pathname list: >> , <<'");
  EXPECT_EQ(encode_files(folder + "missing").error().text, "open " + folder + "missing: No such file or directory");
  std::remove(one.c_str());
}

TEST(FileValues, DecodeOnlyBase64) {
  EXPECT_EQ(decode_files(""), "");
  EXPECT_EQ(decode_files("YQ=="), "a");
  EXPECT_EQ(decode_files("YWI="), "ab");
  EXPECT_EQ(decode_files("////"), "\xff\xff\xff");
  for (const char* bad : {"a", "ab!=", "YQ=", "Y===", "=YQ=", "YQ==YQ==", "not base64"}) {
    EXPECT_FALSE(decode_files(bad)) << bad;
  }
}

}  // namespace table
