#include "base/logical_lines.h"

#include <unistd.h>

#include "base/fd.h"

namespace {

using base::LogicalLineReader;

std::vector<std::string> lines_of(std::string_view text) {
  LogicalLineReader reader(text, "file", base::kConfigLineLimits);
  std::vector<std::string> lines;
  while (true) {
    auto line = reader.next();
    if (!line) {
      lines.push_back("ERROR " + line.error().text);
      return lines;
    }
    if (!*line) return lines;
    lines.push_back(std::to_string((*line)->first_line) + "-" + std::to_string((*line)->last_line) + " " +
                    (*line)->text);
  }
}

using Lines = std::vector<std::string>;

TEST(LogicalLines, ALineThatBeginsWithABlankContinuesTheOneBefore) {
  EXPECT_EQ(lines_of("a = 1\n  2\n\t3\nb\n"), (Lines{"1-3 a = 1  2\t3", "4-4 b"}));
}

TEST(LogicalLines, CommentsAndBlankLinesMayStandInsideALogicalLine) {
  EXPECT_EQ(lines_of("# c\n\na\n# c\n\n   # indented c\n b\n\n"), (Lines{"3-7 a b"}));
}

TEST(LogicalLines, TheLastLineNeedsNoNewline) {
  EXPECT_EQ(lines_of("a\nb"), (Lines{"1-1 a", "2-2 b"}));
}

TEST(LogicalLines, AContinuationWithNothingBeforeItIsReported) {
  LogicalLineReader reader("\n  a\n b\nc\n", "file", base::kConfigLineLimits);
  int orphan = 0;
  reader.on_orphan = [&](int line) { orphan = line; };
  EXPECT_EQ((*reader.next())->text, "  a b");
  EXPECT_EQ(orphan, 2);
  EXPECT_EQ((*reader.next())->text, "c");
}

TEST(LogicalLines, ANulByteIsAnErrorThatNamesTheLine) {
  EXPECT_EQ(lines_of(std::string_view("a\nb\0c\n", 6)),
            (Lines{"ERROR file, line 2: the line contains a NUL byte; this is not a text file"}));
}

TEST(LogicalLines, ALineOverTheLimitIsAnErrorThatNamesTheLine) {
  EXPECT_EQ(lines_of("a\n" + std::string(300 * 1024, 'x')).back(),
            "ERROR file, line 2: the line is longer than 262144 bytes");
  std::string joined = "a\nb\n";
  for (int i = 0; i < 300; ++i) joined += " " + std::string(1000, 'y') + "\n";
  EXPECT_EQ(lines_of(joined).back(),
            "ERROR file, line 2: the line and its continuation lines are longer than 262144 bytes");
}

TEST(LogicalLines, AFileIsReadInPieces) {
  char path[] = "/tmp/logical_lines_XXXXXX";
  base::Fd fd(::mkstemp(path));
  ::unlink(path);
  std::string text;
  for (int i = 0; i < 60000; ++i) text += "line " + std::to_string(i) + "\n";
  ASSERT_EQ(::write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ::lseek(fd.get(), 0, SEEK_SET);
  LogicalLineReader reader(fd.get(), "file", base::kTableLineLimits);
  for (int i = 0; i < 60000; ++i) ASSERT_EQ((*reader.next())->text, "line " + std::to_string(i));
  EXPECT_FALSE(*reader.next());
}

}  // namespace
