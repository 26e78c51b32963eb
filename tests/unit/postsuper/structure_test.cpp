#include "postsuper/structure.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "lib/disks.h"
#include "lib/spool_folder.h"
#include "logging/log.h"

namespace {

using queue::Folder;
using queue::Id;
using queue::Spool;
using queue::SpoolSettings;
using tests::FailingDisk;
using tests::SpoolFolder;

const std::vector<Folder> kAll = {Folder::maildrop, Folder::hold,  Folder::incoming, Folder::active, Folder::deferred,
                                  Folder::bounce,   Folder::defer, Folder::trace,    Folder::flush};
using Names = std::set<std::string>;

ino_t inode_of(const std::string& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

// As a restored backup has it: the name is of another inode. The right path is returned.
std::string put_wrong(Folder folder, std::string_view name, std::string_view content, const Spool& spool) {
  const Id id = *Id::parse(name);
  const std::string path = spool.path(folder, id);
  SpoolFolder::put(path, content);
  return spool.path(folder, id.with_inode(inode_of(path)));
}

class Structure : public testing::Test {
 protected:
  postsuper::Repair repair(bool strict = false) { return postsuper::repair_structure(spool_, kAll, strict); }

  SpoolFolder folder_;
  logging::Capture log_;
  FailingDisk disk_;
  Spool spool_{SpoolSettings(), disk_};
};

TEST_F(Structure, NamesOfOtherInodesAreMadeRight) {
  const std::string right = put_wrong(Folder::incoming, "0000012345", "x", spool_);
  EXPECT_EQ(repair().renamed, 1);
  EXPECT_EQ(SpoolFolder::files(), Names{right});
}

TEST_F(Structure, RightNamesStay) {
  const std::string right = put_wrong(Folder::deferred, "0000012345", "x", spool_);
  repair();
  disk_.fail_at(0, 0);
  EXPECT_EQ(repair().renamed, 0);
  for (const std::string& step : disk_.taken()) EXPECT_EQ(step, "postsuper.repair.hash");
  EXPECT_EQ(SpoolFolder::files(), Names{right});
}

TEST_F(Structure, TwoThatHaveEachOthersNamesAreTakenApart) {
  const std::string one = put_wrong(Folder::incoming, "00000FFFFF", "one", spool_);
  const std::string two = put_wrong(Folder::incoming, "00000FFFFE", "two", spool_);
  repair();
  ASSERT_EQ(::rename(one.c_str(), "incoming/t"), 0);
  ASSERT_EQ(::rename(two.c_str(), one.c_str()), 0);
  ASSERT_EQ(::rename("incoming/t", two.c_str()), 0);
  EXPECT_EQ(repair().renamed, 2);
  EXPECT_EQ(SpoolFolder::content(one), "one");
  EXPECT_EQ(SpoolFolder::content(two), "two");
}

TEST_F(Structure, LogsFollowTheirMessage) {
  const std::string right = put_wrong(Folder::deferred, "00001FFFFF", "x", spool_);
  SpoolFolder::put("defer/0/00001FFFFF", "log", 0600);
  SpoolFolder::put("bounce/00001FFFFF", "log", 0600);
  SpoolFolder::put("trace/00001FFFFF", "log", 0600);
  EXPECT_EQ(repair().renamed, 1);
  const std::string name = right.substr(right.rfind('/') + 1);
  EXPECT_EQ(SpoolFolder::files(), (Names{"bounce/" + name, "defer/0/" + name, right, "trace/" + name}));
}

TEST_F(Structure, FilesGoToTheHashDirectoryOfTheConfiguration) {
  const std::string path = put_wrong(Folder::deferred, "12345FFFFF", "x", spool_);
  repair();
  const std::string name = path.substr(path.rfind('/') + 1);
  SpoolFolder::put("flush/relay_test", "", 0600);
  SpoolSettings deep;
  deep.hash_depth = 2;
  deep.hashed[static_cast<std::size_t>(Folder::flush)] = true;
  EXPECT_EQ(postsuper::repair_structure(Spool(deep), kAll, false).renamed, 0);
  EXPECT_EQ(SpoolFolder::files(), (Names{"deferred/1/2/" + name, "flush/r/e/relay_test"}));
  SpoolSettings flat;
  flat.hashed.fill(false);
  postsuper::repair_structure(Spool(flat), kAll, false);
  EXPECT_EQ(SpoolFolder::files(), (Names{"deferred/" + name, "flush/relay_test"}));
  EXPECT_FALSE(std::filesystem::exists("deferred/1"));
}

TEST_F(Structure, TwoFilesOfOneNameBothStay) {
  const std::string right = put_wrong(Folder::deferred, "54321FFFFF", "one", spool_);
  repair();
  const std::string name = right.substr(right.rfind('/') + 1);
  ASSERT_EQ(::rename(right.c_str(), ("deferred/" + name).c_str()), 0);
  SpoolFolder::put("deferred/5/" + name, "two");
  EXPECT_EQ(repair().renamed, 1);
  EXPECT_EQ(SpoolFolder::content(right), "one");
  EXPECT_EQ(SpoolFolder::files().size(), 2u);
}

// hash_queue_depth was changed while mail was deferred: the next attempt has begun its log at the new place.
TEST_F(Structure, OfTwoReasonsForADelayTheLastStays) {
  const std::string right = spool_.path(Folder::defer, *Id::parse("12345ABCDE"));
  SpoolFolder::put("defer/12345ABCDE", "old");
  SpoolFolder::put(right, "new");
  std::filesystem::last_write_time("defer/12345ABCDE", std::filesystem::last_write_time(right) - std::chrono::hours(1));
  EXPECT_EQ(repair().failures, 0);
  EXPECT_EQ(SpoolFolder::files(), Names{right});
  EXPECT_EQ(SpoolFolder::content(right), "new");
  SpoolFolder::put("defer/12345ABCDE", "newer");
  std::filesystem::last_write_time(right, std::filesystem::last_write_time(right) - std::chrono::hours(1));
  EXPECT_EQ(repair().failures, 0);
  EXPECT_EQ(SpoolFolder::content(right), "newer");
  SpoolFolder::put("bounce/9/12345ABCDE", "who has to be told");
  SpoolFolder::put("bounce/12345ABCDE", "and who else");
  EXPECT_EQ(repair().failures, 1);
  EXPECT_EQ(SpoolFolder::files().size(), 3u);
}

TEST_F(Structure, LongNamesStayUnlessStrictOrNoLongerWanted) {
  SpoolSettings settings;
  settings.long_ids = true;
  const Spool long_ids(settings);
  const Id id = Id::make_long({1795258988, 0x12345}, 99);
  SpoolFolder::put("hold/" + id.text(), "x");
  EXPECT_EQ(postsuper::repair_structure(long_ids, kAll, false).renamed, 0);
  EXPECT_EQ(postsuper::repair_structure(long_ids, kAll, true).renamed, 1);
  const Id strict = id.with_inode(inode_of("hold/" + id.with_inode(inode_of(*SpoolFolder::files().begin())).text()));
  EXPECT_EQ(SpoolFolder::files(), Names{"hold/" + strict.text()});
  EXPECT_EQ(repair().renamed, 1);
  EXPECT_EQ(SpoolFolder::files(), Names{"hold/" + Id::make_short({0, 0x12345}, *strict.inode()).text()});
}

TEST_F(Structure, NamesThatAreNoneAreToldAndLeft) {
  const Names odd = {"incoming/foo.bar",  "incoming/-x", "incoming/12",
                     "incoming/zzzzz_FF", "hold/x#FIX",  "defer/Z.bad"};
  for (const std::string& path : odd) SpoolFolder::put(path, "x");
  EXPECT_EQ(repair().failures, 0);
  EXPECT_EQ(SpoolFolder::files(), odd);
  for (const std::string& path : odd) EXPECT_TRUE(log_.contains("bogus file name: " + path)) << path;
}

TEST_F(Structure, AFileThatIsBeingCreatedIsNotWorthAWord) {
  SpoolFolder::put("incoming/777.88", "", 0600);
  repair();
  EXPECT_TRUE(log_.events().empty());
}

TEST_F(Structure, LinksLeadNowhere) {
  std::filesystem::create_directory("elsewhere");
  SpoolFolder::put("elsewhere/0000012345", "x");
  std::filesystem::create_symlink("../elsewhere", "incoming/E");
  std::filesystem::create_symlink("../elsewhere/0000012345", "incoming/0000012345");
  repair();
  EXPECT_EQ(SpoolFolder::files(), (Names{"elsewhere/0000012345", "incoming/0000012345", "incoming/E"}));
}

TEST_F(Structure, DirectoriesThatNobodyNeedsGoUnlessSomethingIsInThem) {
  std::filesystem::create_directories("deferred/12");
  std::filesystem::create_directories("incoming/Z");
  SpoolFolder::put("hold/long/file", "x");
  EXPECT_EQ(repair().failures, 0);
  EXPECT_FALSE(std::filesystem::exists("deferred/12"));
  EXPECT_FALSE(std::filesystem::exists("incoming/Z"));
  EXPECT_TRUE(log_.contains("hold/long: Directory not empty"));
}

// A backup of a few messages with their logs, in each other's way.
std::map<std::string, std::string> put_backup(const Spool& spool) {
  std::map<std::string, std::string> right;
  for (const Folder folder : {Folder::incoming, Folder::hold, Folder::deferred}) {
    for (int i = 0; i < 3; ++i) {
      const std::string name = fmt::format("0000{}{:X}FFF", i, static_cast<int>(folder) + 1);
      const std::string content = std::string(queue::name_of(folder)) + name;
      right[put_wrong(folder, name, content, spool)] = content;
      SpoolFolder::put(spool.path(Folder::defer, *Id::parse(name)), "log of " + content, 0600);
    }
  }
  return right;
}

TEST(StructureRepair, InterruptedAtAnyStepIsFinishedByTheNextRun) {
  const logging::Capture quiet;
  for (const auto then : {tests::Then::dead, tests::Then::recovers}) {
    for (int step = 1;; ++step) {
      const SpoolFolder folder;
      FailingDisk disk;
      const Spool spool(SpoolSettings(), disk);
      const auto right = put_backup(spool);
      disk.fail_at(step, EIO, then);
      const auto first = postsuper::repair_structure(spool, kAll, false);
      if (!disk.failed()) break;
      EXPECT_GT(first.failures, 0) << step;
      EXPECT_EQ(SpoolFolder::files().size(), 2 * right.size()) << "lost at step " << step;
      disk.fail_at(0, 0);
      EXPECT_EQ(postsuper::repair_structure(spool, kAll, false).failures, 0) << step;
      for (const auto& [path, content] : right) EXPECT_EQ(SpoolFolder::content(path), content) << step;
    }
  }
}

TEST_F(Structure, AllThatIsMarkedEndsUnmarkedWithItsLogs) {
  const auto right = put_backup(spool_);
  EXPECT_EQ(repair().renamed, 9);
  for (const auto& [path, content] : right) {
    EXPECT_EQ(SpoolFolder::content(path), content);
    const Id id = *Id::parse(path.substr(path.rfind('/') + 1));
    EXPECT_EQ(SpoolFolder::content(spool_.path(Folder::defer, id)), "log of " + content);
  }
}

TEST_F(Structure, WhatNobodyFinishedForAWeekIsPurged) {
  const Names old = {"incoming/779.88", "active/00006FFFFF", "maildrop/00008FFFFF", "deferred/0/00011FFFFF"};
  for (const std::string& path : old) SpoolFolder::put(path, "", 0600);
  const Names stays = {"bounce/0001FFFFFF", "defer/0/00011FFFFF", "hold/00001FFFFF", "incoming/777.88",
                       "active/00007FFFFF"};
  for (const std::string& path : stays) SpoolFolder::put(path, "", path.starts_with("hold") ? 0700 : 0600);
  ASSERT_EQ(::chmod("active/00007FFFFF", 0400), 0);
  const timespec week_ago[2] = {{::time(nullptr) - 8 * 86400, 0}, {::time(nullptr) - 8 * 86400, 0}};
  for (const std::string& path : SpoolFolder::files()) {
    const bool ages = path != "incoming/777.88";
    ASSERT_TRUE(!ages || ::utimensat(AT_FDCWD, path.c_str(), week_ago, 0) == 0);
  }
  postsuper::purge_temporary(spool_, kAll);
  EXPECT_EQ(SpoolFolder::files(), stays);
}

}  // namespace
