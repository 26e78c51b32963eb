#include "queue/flush_log.h"

#include "lib/disks.h"
#include "lib/spool_folder.h"
#include "queue/steps.h"

namespace {

using queue::Id;
using tests::SpoolFolder;

class FlushLog : public testing::Test {
 protected:
  std::vector<std::string> take(std::size_t most = 100) {
    const auto ids = queue::take_flush(spool_, "relay_example", most);
    EXPECT_TRUE(ids);
    std::vector<std::string> names;
    if (ids) {
      for (const Id& id : *ids) names.push_back(id.text());
    }
    return names;
  }
  void append(std::string_view id) { EXPECT_TRUE(queue::append_flush(spool_, "relay_example", *Id::parse(id))); }

  SpoolFolder folder_;
  tests::FailingDisk disk_;
  queue::Spool spool_{queue::SpoolSettings(), disk_};
};

using Names = std::vector<std::string>;

TEST(FlushLogName, IsTheDomainWithUnderscores) {
  EXPECT_EQ(queue::flush_log_name("Relay-1.Example"), "relay_1_example");
  EXPECT_EQ(queue::flush_log_name("[10.0.0.1]"), "_10_0_0_1_");
  EXPECT_EQ(queue::flush_log_name("b\xc3\xbc"
                                  "cher.example"),
            "xn__bcher_kva_example");
}

TEST(FlushLogName, IsNotMadeOfWhatIsNoDomain) {
  EXPECT_FALSE(queue::flush_log_name(""));
  EXPECT_FALSE(queue::flush_log_name("../.."));
  EXPECT_FALSE(queue::flush_log_name("\xff\xfe.example"));
  EXPECT_FALSE(queue::flush_log_name(std::string(300, 'a')));
  EXPECT_FALSE(queue::flush_log_name(std::string_view("a\0b", 3)));
}

TEST_F(FlushLog, HasALineForEachMessage) {
  append("AAAAAA");
  append("BBBBBB");
  EXPECT_EQ(SpoolFolder::content("flush/relay_example"), "AAAAAA\nBBBBBB\n");
  EXPECT_EQ(SpoolFolder::mode("flush/relay_example"), 0600u);
}

TEST_F(FlushLog, IsEmptyOnceItWasTaken) {
  append("AAAAAA");
  append("BBBBBB");
  append("AAAAAA");
  EXPECT_EQ(take(), (Names{"AAAAAA", "BBBBBB"}));
  EXPECT_EQ(take(), Names{});
  EXPECT_EQ(SpoolFolder::content("flush/relay_example"), "");
}

TEST_F(FlushLog, ThatWasNeverWrittenIsEmptyAndStaysAway) {
  EXPECT_EQ(take(), Names{});
  EXPECT_TRUE(SpoolFolder::files().empty());
}

TEST_F(FlushLog, GivesNoMoreThanAskedFor) {
  for (const char* id : {"AAAAA1", "AAAAA2", "AAAAA3"}) append(id);
  EXPECT_EQ(take(2).size(), 2u);
}

TEST_F(FlushLog, SkipsWhatIsNoId) {
  SpoolFolder::put("flush/relay_example", "AAAAAA\n../../etc/passwd\n\n  BBBBBB  \nno newline", 0600);
  EXPECT_EQ(take(), (Names{"AAAAAA", "BBBBBB"}));
}

TEST_F(FlushLog, KeepsItsLinesWhenItCannotBeEmptied) {
  append("AAAAAA");
  disk_.fail_at(queue::step::kFlushEmpty, EIO);
  EXPECT_FALSE(queue::take_flush(spool_, "relay_example"));
  disk_.fail_at(0, 0);
  EXPECT_EQ(take(), Names{"AAAAAA"});
}

TEST_F(FlushLog, TakesBackALineThatWasHalfWritten) {
  append("AAAAAA");
  disk_.fail_at(queue::step::kFlushWrite, ENOSPC);
  EXPECT_FALSE(queue::append_flush(spool_, "relay_example", *Id::parse("BBBBBB")));
  EXPECT_EQ(SpoolFolder::content("flush/relay_example"), "AAAAAA\n");
}

TEST_F(FlushLog, OfABadNameIsAnError) {
  EXPECT_FALSE(queue::append_flush(spool_, "../bounce/x", *Id::parse("BBBBBB")));
  EXPECT_FALSE(queue::take_flush(spool_, ""));
}

}  // namespace
