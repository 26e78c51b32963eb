#include <gtest/gtest.h>

#include "sendmail/header_scan.h"
#include "sendmail/text_reader.h"

namespace sendmail {
namespace {

using Lines = std::vector<std::string>;  // "N:text" or "L:text"

// Hands out `text` in portions of `step` bytes.
TextReader::Fill in_portions(std::string_view text, std::size_t step) {
  return [text, step](char* buffer, std::size_t size) mutable {
    const std::string_view portion = text.substr(0, std::min(step, size));
    std::ranges::copy(portion, buffer);
    text.remove_prefix(portion.size());
    return portion.size();
  };
}

std::string shown(Piece piece) {
  return (piece.ends_line ? "N:" : "L:") + std::string(piece.text);
}

Lines read(std::string_view text, const TextReader::Rules& rules = {}) {
  Lines whole;
  TextReader reader(in_portions(text, text.size() + 1), rules);
  while (const auto piece = reader.next()) whole.push_back(shown(*piece));
  Lines bytewise;
  TextReader slow(in_portions(text, 1), rules);
  while (const auto piece = slow.next()) bytewise.push_back(shown(*piece));
  EXPECT_EQ(whole, bytewise);
  return whole;
}

TEST(TextReader, ReadsLines) {
  EXPECT_EQ(read("a\n\nb\n"), (Lines{"N:a", "N:", "N:b"}));
  EXPECT_EQ(read(""), Lines{});
  EXPECT_EQ(read("no end"), Lines{"L:no end"});
}

TEST(TextReader, CutsLongLines) {
  EXPECT_EQ(read("abcdef\ng\n", {.longest_piece = 3}), (Lines{"L:abc", "L:def", "N:", "N:g"}));
  EXPECT_EQ(read("abcd\n", {.longest_piece = 3}), (Lines{"L:abc", "N:d"}));
  EXPECT_EQ(read("abc", {.longest_piece = 3}), Lines{"L:abc"});
}

TEST(TextReader, EndsAtALoneDot) {
  EXPECT_EQ(read("a\n.\nb\n"), Lines{"N:a"});
  EXPECT_EQ(read("a\r\n.\r\nb\n"), Lines{"N:a"});
  EXPECT_EQ(read("..\n.a\n."), (Lines{"N:..", "N:.a"}));
  EXPECT_EQ(read("a\n.", {.dot_ends_input = false}), (Lines{"N:a", "L:."}));
  EXPECT_EQ(read("abc.", {.longest_piece = 3}), (Lines{"L:abc", "L:."}));
  EXPECT_EQ(read(".abc\n", {.longest_piece = 1}), (Lines{"L:.", "L:a", "L:b", "L:c", "N:"}));
  EXPECT_EQ(read("abc.\n.\n", {.longest_piece = 3}), (Lines{"L:abc", "N:."}));
  EXPECT_EQ(read("a\n.\nb\n", {.dot_ends_input = false}), (Lines{"N:a", "N:.", "N:b"}));
}

TEST(TextReader, MakesLineFeedsOfCrLf) {
  EXPECT_EQ(read("a\r\nb\nc\r\r\nd\re\r"), (Lines{"N:a", "N:b", "N:c", "L:d\re\r"}));
  EXPECT_EQ(read("a\nb\r\n", {.line_endings = LineEndings::strict}), (Lines{"N:a", "N:b\r"}));
  EXPECT_EQ(read("a\r\nb\r\n", {.line_endings = LineEndings::strict}), (Lines{"N:a", "N:b"}));
  EXPECT_EQ(read("a\r\n", {.line_endings = LineEndings::never}), Lines{"N:a\r"});
}

TEST(TextReader, LeavesOutFromLinesBeforeTheMessage) {
  EXPECT_EQ(read("From x y\n>>From z\na\nFrom b\n"), (Lines{"N:a", "N:From b"}));
  EXPECT_EQ(read("From: x\n"), Lines{"N:From: x"});
  EXPECT_EQ(read("From abcdefghijkl\nx\n", {.longest_piece = 8}), Lines{"N:x"});
}

struct Scanned {
  Lines lines;
  std::vector<std::string> recipients;
  bool understood = true;
};
Scanned scan(std::string_view text, std::size_t longest_header = 1000) {
  Scanned result;
  HeaderScan header(longest_header, 20, [&](Piece piece) { result.lines.push_back(shown(piece)); });
  TextReader reader(in_portions(text, 7), {.longest_piece = 20});
  while (const auto piece = reader.next()) {
    if (!header.take(*piece)) result.understood = false;
  }
  if (!header.finish()) result.understood = false;
  result.recipients = header.recipients();
  return result;
}

TEST(HeaderScan, FindsRecipients) {
  const auto found = scan("To: a, \"b c\"@d\nCc: <e>\nBcc: f\n\nTo: no\n");
  EXPECT_EQ(found.recipients, (Lines{"a", "b c@d", "e", "f"}));
  EXPECT_EQ(found.lines, (Lines{"N:To: a, \"b c\"@d", "N:Cc: <e>", "N:Bcc: f", "N:", "N:To: no"}));
}

TEST(HeaderScan, PrefersResentHeaders) {
  EXPECT_EQ(scan("To: a\nResent-To: b\nCc: c\n\n").recipients, Lines{"b"});
  EXPECT_EQ(scan("To: a\nResent-To:\n\n").recipients, Lines{});
  EXPECT_EQ(scan("Resent-From: q\nTo: a\n\n").recipients, Lines{"a"});
}

TEST(HeaderScan, UnfoldsAndKeepsTheLines) {
  const auto found = scan("To: a,\n b\n\tc\n\n");
  EXPECT_EQ(found.recipients, (Lines{"a", "b", "c"}));
  EXPECT_EQ(found.lines, (Lines{"N:To: a,", "N: b", "N:\tc", "N:"}));
}

TEST(HeaderScan, JoinsTheNameAndItsColon) {
  EXPECT_EQ(scan("TO : a\n\n").lines, (Lines{"N:TO: a", "N:"}));
}

TEST(HeaderScan, EndsAtALineThatIsNoHeader) {
  EXPECT_EQ(scan("To: a\nbad line\nCc: b\n").lines, (Lines{"N:To: a", "N:", "N:bad line", "N:Cc: b"}));
  EXPECT_EQ(scan(" To: a\nTo: b\n").recipients, Lines{});
}

TEST(HeaderScan, TakesAnUnfinishedEnd) {
  const auto found = scan("To: a");
  EXPECT_EQ(found.recipients, Lines{"a"});
  EXPECT_EQ(found.lines, Lines{"N:To: a"});
  EXPECT_EQ(scan("To: a\n\nb").lines, (Lines{"N:To: a", "N:", "L:b", "N:"}));
}

TEST(HeaderScan, CutsLongHeadersAgain) {
  EXPECT_EQ(scan("To: aaaaaaaaaaaaaaaaaaaaaaa\n\n").lines, (Lines{"L:To: aaaaaaaaaaaaaaaa", "N:aaaaaaa", "N:"}));
}

TEST(HeaderScan, GivesUpOnEndlessHeaders) {
  EXPECT_FALSE(scan("To: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", 30).understood);
  EXPECT_FALSE(scan("To: a\n b\n c\n d\n e\n f\n g\n h\n i\n j\n k\n", 30).understood);
}

}  // namespace
}  // namespace sendmail
