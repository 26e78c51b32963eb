#include "queue/spool.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/config.h"
#include "lib/disks.h"
#include "lib/spool_folder.h"
#include "queue/walk.h"

namespace {

using queue::Folder;
using queue::FolderScan;
using queue::Id;
using queue::Spool;
using queue::SpoolSettings;
using tests::SpoolFolder;

Id id(std::string_view text) {
  return *Id::parse(text);
}

class SpoolTest : public testing::Test {
 protected:
  std::set<std::string> names(Folder folder) {
    std::set<std::string> all;
    EXPECT_TRUE(spool_.for_each(
        folder,
        [&](const Spool::Entry& entry) {
          all.insert(entry.id.text());
          return true;
        },
        [&](const std::string& path) { all.insert("?" + path); }));
    return all;
  }

  SpoolFolder folder_;
  Spool spool_{SpoolSettings()};
};

using Names = std::set<std::string>;

TEST(SpoolSettings, AreThoseOfMainCf) {
  const auto config = config::Config::from_text(
      "hash_queue_names = active, maildrop, nonsense\nhash_queue_depth = 2\nenable_long_queue_ids = yes\n");
  const SpoolSettings settings = SpoolSettings::from(*config);
  EXPECT_EQ(settings.hash_depth, 2);
  EXPECT_TRUE(settings.long_ids);
  EXPECT_EQ(Spool(settings).path(Folder::active, id("9F850A78B12")), "active/9/F/9F850A78B12");
  EXPECT_EQ(Spool(settings).path(Folder::maildrop, id("9F850A78B12")), "maildrop/9F850A78B12");
  EXPECT_EQ(Spool(settings).path(Folder::deferred, id("9F850A78B12")), "deferred/9F850A78B12");
}

TEST(SpoolSettings, HashDeferredAndDeferByDefault) {
  const SpoolSettings settings = SpoolSettings::from(*config::Config::from_text(""));
  EXPECT_EQ(settings.hashed, SpoolSettings().hashed);
  EXPECT_EQ(Spool(settings).path(Folder::defer, id("9F850A78B12")), "defer/9/9F850A78B12");
}

TEST(Folders, HaveNames) {
  for (const std::string_view name : {"maildrop", "hold", "incoming", "active", "deferred", "corrupt", "bounce",
                                      "defer", "trace", "flush", "saved"}) {
    EXPECT_EQ(queue::name_of(*queue::folder_named(name)), name);
  }
  EXPECT_FALSE(queue::folder_named("private"));
}

TEST_F(SpoolTest, AMoveMakesTheHashDirectory) {
  SpoolFolder::put("active/9F850A78B12", "x");
  ASSERT_TRUE(spool_.move("test", id("9F850A78B12"), Folder::active, Folder::deferred));
  EXPECT_EQ(SpoolFolder::files(), (Names{"deferred/9/9F850A78B12"}));
  EXPECT_EQ(SpoolFolder::mode("deferred/9"), 0700u);
}

TEST_F(SpoolTest, AMoveReplacesNothing) {
  SpoolFolder::put("active/AAAAAA", "new");
  SpoolFolder::put("hold/AAAAAA", "old");
  const auto moved = spool_.move("test", id("AAAAAA"), Folder::active, Folder::hold);
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().number, EEXIST);
  EXPECT_EQ(SpoolFolder::content("hold/AAAAAA"), "old");
  EXPECT_EQ(SpoolFolder::content("active/AAAAAA"), "new");
}

TEST_F(SpoolTest, AMoveOntoTheSameFileRemovesTheFirstName) {
  SpoolFolder::put("active/AAAAAA", "x");
  ASSERT_EQ(::link("active/AAAAAA", "hold/AAAAAA"), 0);
  ASSERT_TRUE(spool_.move("test", id("AAAAAA"), Folder::active, Folder::hold));
  EXPECT_EQ(SpoolFolder::files(), (Names{"hold/AAAAAA"}));
}

TEST_F(SpoolTest, AMoveOfWhatIsGoneSaysSo) {
  const auto moved = spool_.move("test", id("AAAAAA"), Folder::active, Folder::deferred);
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().number, ENOENT);
}

TEST_F(SpoolTest, AMoveUntilSetsTheTimeBeforeTheFileArrives) {
  SpoolFolder::put("active/AAAAAA", "x");
  tests::FailingDisk disk;
  Spool spool(SpoolSettings(), disk);
  disk.fail_at(2, EIO);
  EXPECT_FALSE(spool.move_until("test", id("AAAAAA"), Folder::active, Folder::deferred, 1795258988));
  struct stat status{};
  ASSERT_EQ(::lstat("active/AAAAAA", &status), 0);
  EXPECT_EQ(status.st_mtime, 1795258988);
  EXPECT_EQ(status.st_atime, 1795258988);
}

TEST_F(SpoolTest, RemovingWhatIsGoneIsNoError) {
  EXPECT_TRUE(spool_.remove("test", Folder::defer, id("AAAAAA")));
  SpoolFolder::put("defer/A/AAAAAA", "x");
  EXPECT_TRUE(spool_.remove("test", Folder::defer, id("AAAAAA")));
  EXPECT_EQ(SpoolFolder::files(), Names{});
}

TEST_F(SpoolTest, FindsAMessageWhereverItLies) {
  EXPECT_FALSE(spool_.find(id("AAAAAA")));
  SpoolFolder::put("deferred/A/AAAAAA", "abc");
  const auto found = spool_.find(id("AAAAAA"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->folder, Folder::deferred);
  EXPECT_EQ(found->path, "deferred/A/AAAAAA");
  EXPECT_EQ(found->status.st_size, 3);
}

TEST_F(SpoolTest, FindsNoLinks) {
  SpoolFolder::put("corrupt/AAAAAA", "abc");
  std::filesystem::create_symlink("../corrupt/AAAAAA", "active/AAAAAA");
  EXPECT_FALSE(spool_.find(id("AAAAAA")));
}

TEST_F(SpoolTest, ForEachLooksIntoHashDirectoriesOnly) {
  SpoolFolder::put("deferred/A/AAAAAA", "");
  SpoolFolder::put("deferred/B/C/BCAAAA", "");
  SpoolFolder::put("deferred/DDDDDD", "");
  SpoolFolder::put("deferred/12/121212", "");
  SpoolFolder::put("deferred/1234.56", "");
  std::filesystem::create_symlink("A", "deferred/E");
  EXPECT_EQ(names(Folder::deferred),
            (Names{"AAAAAA", "BCAAAA", "DDDDDD", "?deferred/12", "?deferred/1234.56", "?deferred/E"}));
}

TEST_F(SpoolTest, ForEachCanBeStopped) {
  for (const char* name : {"active/AAAAA1", "active/AAAAA2", "active/AAAAA3"}) SpoolFolder::put(name, "");
  int seen = 0;
  EXPECT_TRUE(spool_.for_each(Folder::active, [&](const Spool::Entry&) { return ++seen < 2; }));
  EXPECT_EQ(seen, 2);
}

TEST_F(SpoolTest, AFolderThatIsGoneIsEmpty) {
  std::filesystem::remove("active");
  EXPECT_EQ(names(Folder::active), Names{});
  EXPECT_FALSE(FolderScan(spool_, Folder::active).next());
}

TEST_F(SpoolTest, AFolderThatIsNoFolderIsAnError) {
  std::filesystem::remove("active");
  SpoolFolder::put("active", "");
  const auto result = spool_.for_each(Folder::active, [](const Spool::Entry&) { return true; });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().text, "open directory active: Not a directory");
}

TEST_F(SpoolTest, AScanPausesBetweenFilesAndSurvivesTheirRemoval) {
  for (int i = 0; i < 100; ++i) SpoolFolder::put(fmt::format("deferred/{:X}/{:X}AAAA{:02}", i % 16, i % 16, i), "");
  Names seen;
  FolderScan scan(spool_, Folder::deferred);
  while (auto next = scan.next()) {
    EXPECT_TRUE(seen.insert(next->text()).second);
    ASSERT_TRUE(spool_.move("test", *next, Folder::deferred, Folder::incoming));
  }
  EXPECT_EQ(seen.size(), 100u);
}

TEST_F(SpoolTest, AWalkTellsWhenItLeavesAHashDirectory) {
  SpoolFolder::put("deferred/A/AAAAAA", "");
  queue::Walk walk("deferred");
  auto entry = walk.next();
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->path, "deferred/A/AAAAAA");
  EXPECT_EQ(entry->name, "AAAAAA");
  entry = walk.next();
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->kind, queue::Walk::Kind::directory_left);
  EXPECT_EQ(entry->path, "deferred/A");
  EXPECT_FALSE(walk.next());
}

TEST_F(SpoolTest, AWalkGoesOnlySoDeep) {
  std::string path = "deferred";
  for (int i = 0; i < 100; ++i) path += "/A";
  SpoolFolder::put(path + "/AAAAAA", "");
  queue::Walk walk("deferred");
  int strangers = 0;
  while (const auto entry = walk.next()) strangers += entry->kind == queue::Walk::Kind::stranger;
  EXPECT_EQ(strangers, 1);
}

}  // namespace
