#include "table/texthash.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "asking.h"

namespace table {
namespace {

struct Case {
  std::string_view text;
  std::string_view key;
  std::string_view answer;
  std::string_view warnings;
};

// What Postfix 3.7.11 makes of them.
const Case kCases[] = {
    {"\"a b v\nx y", "a", kNothing, "line 1: unbalanced '\"' in '\"a b v' -- ignoring this line"},
    {"\"a b\" \n\"c d\"", "a", kNothing,
     "line 1: expected format: key whitespace value -- ignoring this line|line 2: expected format: key whitespace "
     "value -- ignoring this line"},
    {"\"a b\"v", "a", kNothing, "line 1: expected format: key whitespace value -- ignoring this line"},
    {"a\"b c\"d e", "a", kNothing, ""},
    {"\"\" v", "a", kNothing, ""},
    {"\"a\" v", "a", kNothing, ""},
    {"\"a b\"@\"c d\" v", "a", kNothing, ""},
    {"\"a\\\"b\" v", "a", kNothing, ""},
    {"\"a b\" v w\nk v", "a", kNothing, ""},
    {"\"a b\" v w\nk v", "\"a b\"", "v w", ""},
    {"\"a b\" v w\nk v", "k", "v", ""},
    {"a\\\tb", "a", kNothing, "line 1: expected format: key whitespace value -- ignoring this line"},
    {"a\n  b\n  c", "a", "b  c", ""},
    {"# x\n #y\na b\n c", "a", "b c", ""},
    {"k : v", "a", kNothing, ""},
    {"k : v", "k", ": v", ""},
    {"k: v", "a", kNothing, "line 1: record is in \"key: value\" format; is this an alias file?"},
    {": v", "a", kNothing, "line 1: record is in \"key: value\" format; is this an alias file?"},
    {"a: b:", "a", kNothing, "line 1: record is in \"key: value\" format; is this an alias file?"},
    {"key v\nkey v\nKEY v", "a", kNothing, "line 2: duplicate entry: \"key\"|line 3: duplicate entry: \"KEY\""},
    {"a bc d", "a", "bc d", ""},
    {"\"k\": v", "a", kNothing, "line 1: record is in \"key: value\" format; is this an alias file?"},
    {"\"k\"", "a", kNothing, "line 1: expected format: key whitespace value -- ignoring this line"},
    {"\"k\" \n \"v\"", "a", kNothing, ""},
    {"A Value\nB\tVALUE", "a", "Value", ""},
    {"a b\na c\nA d", "a", "b", "line 2: duplicate entry: \"a\"|line 3: duplicate entry: \"A\""},
};

std::string ask_text(std::string_view text, std::string_view key, const Options& options) {
  const auto table = read_texthash("x", base::LogicalLineReader(text, "x", base::kTableLineLimits), options);
  return table ? told((*table)->lookup(key)) : "ERROR " + table.error().text;
}

TEST(TextHash, AnswersAndWarningsAreThoseOfPostfix) {
  for (const Case& expected : kCases) {
    SCOPED_TRACE(expected.text);
    const logging::Capture capture;
    EXPECT_EQ(ask_text(expected.text, expected.key, {.utf8 = false}), expected.answer);
    EXPECT_EQ(warnings(capture, "x, "), expected.warnings);
  }
}

TEST(TextHash, ALineThatContinuesNothingIsIgnored) {
  const logging::Capture capture;
  EXPECT_EQ(ask_text("\n  b c\nd e\n", "b", {}), kNothing);
  EXPECT_TRUE(capture.contains("x, line 2: logical line must not start with whitespace: \"  b c\""));
}

TEST(TextHash, KeysAreFoldedUnlessToldOtherwise) {
  EXPECT_EQ(ask_text("Key Value\n", "kEY", {}), "Value");
  EXPECT_EQ(ask_text("Key Value\n", "key", {.folding = Folding::none}), kNothing);
  EXPECT_EQ(ask_text("Key Value\n", "Key", {.folding = Folding::none}), "Value");
  EXPECT_EQ(ask_text("Stra\xc3\x9f"
                     "e v\n",
                     "STRASSE", {}),
            "v");
  EXPECT_EQ(ask_text("Stra\xc3\x9f"
                     "e v\n",
                     "STRASSE", {.utf8 = false}),
            kNothing);
}

TEST(TextHash, LinesThatAreNotUtf8AreIgnored) {
  const logging::Capture capture;
  EXPECT_EQ(ask_text("a \xff\nb c\n", "a", {}), kNothing);
  EXPECT_EQ(ask_text("a \xff\nb c\n", "b", {}), "c");
  EXPECT_TRUE(capture.events()[0].text.starts_with("x, line 1: non-UTF-8 input "));
  EXPECT_TRUE(capture.events()[0].text.ends_with(" -- ignoring this line"));
}

TEST(TextHash, EntriesAreListed) {
  const TemporaryFile file("a 1\nB 2\n");
  const auto table = *open("texthash:" + file.path(), {});
  std::map<std::string, std::string> entries;
  EXPECT_TRUE(table->for_each([&](const Entry& entry) { return entries.insert(entry).second; }));
  EXPECT_EQ(entries, (std::map<std::string, std::string>{{"a", "1"}, {"b", "2"}}));
}

// Half of a list of recipients would turn the other half away.
TEST(Texthash, AFileThatIsBeingWrittenIsReadWhenItIsWhole) {
  using std::chrono::steady_clock;
  std::string folder = "/tmp/texthash_test.XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/t";
  // A writer that the machine holds up has paused: then, once more.
  for (int tries = 0; tries < 20; ++tries) {
    std::ofstream out(path);
    out << "a 1\n" << std::flush;
    auto longest = steady_clock::duration::zero();
    std::thread writer([&] {
      for (int i = 0; i < 50; ++i) {
        const auto before = steady_clock::now();
        ::usleep(10'000);
        out << "more" << i << " x\n" << std::flush;
        longest = std::max(longest, steady_clock::now() - before);
      }
    });
    const auto table = open("texthash:" + path, Settings{}, {});
    writer.join();
    ASSERT_TRUE(table);
    if (told((*table)->lookup("more49")) == "x") break;
    ASSERT_GT(longest, std::chrono::milliseconds(200));
  }
  std::filesystem::remove_all(folder);
}

TEST(Texthash, AFileOfLongAgoOrOfTheFutureIsReadAtOnce) {
  using std::chrono::steady_clock;
  std::string folder = "/tmp/texthash_test.XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/t";
  std::ofstream(path) << "a 1\n";
  for (const auto away : {-std::chrono::hours(1), std::chrono::hours(1)}) {
    std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() + away);
    auto shortest = steady_clock::duration::max();
    for (int i = 0; i < 10; ++i) {
      const auto began = steady_clock::now();
      EXPECT_EQ(told((*open("texthash:" + path, Settings{}, {}))->lookup("a")), "1");
      shortest = std::min(shortest, steady_clock::now() - began);
    }
    EXPECT_LT(shortest, std::chrono::milliseconds(200));
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace table
