#include "postsuper/act.h"

#include <fcntl.h>
#include <fmt/format.h>

#include "base/error.h"
#include "lib/disks.h"
#include "lib/spool_folder.h"
#include "logging/log.h"

namespace {

using postsuper::Request;
using postsuper::Totals;
using queue::Folder;
using queue::Spool;
using queue::SpoolSettings;
using tests::FailingDisk;
using tests::SpoolFolder;
using Names = std::set<std::string>;

class Act : public testing::Test {
 protected:
  Totals act(const Request& request) {
    postsuper::Actions actions(
        spool_, request.folders,
        [this](std::string& line) {
          if (lines_.empty()) return false;
          line = lines_.front();
          lines_.erase(lines_.begin());
          return true;
        },
        1);
    return actions.run(request);
  }

  SpoolFolder folder_;
  logging::Capture log_;
  FailingDisk disk_;
  Spool spool_{SpoolSettings(), disk_};
  std::vector<std::string> lines_;
};

void put_one_in_each() {
  for (const char* path : {"incoming/AAAAA1", "active/AAAAA2", "deferred/A/AAAAA3", "hold/AAAAA4", "maildrop/AAAAA5"}) {
    SpoolFolder::put(path, "x");
  }
}

TEST_F(Act, RemovesAMessageWithItsLogs) {
  put_one_in_each();
  for (const char* path : {"bounce/AAAAA3", "defer/A/AAAAA3", "trace/AAAAA3"}) SpoolFolder::put(path, "x", 0600);
  EXPECT_EQ(act({.remove = {false, {"AAAAA3", "nonesuch"}}}).deleted, 1);
  EXPECT_EQ(SpoolFolder::files(), (Names{"active/AAAAA2", "hold/AAAAA4", "incoming/AAAAA1", "maildrop/AAAAA5"}));
  EXPECT_TRUE(log_.contains("AAAAA3: removed"));
}

TEST_F(Act, RemovesAllWithTheirLogsAndNothingElse) {
  put_one_in_each();
  SpoolFolder::put("defer/A/AAAAA3", "x", 0600);
  SpoolFolder::put("defer/B/BBBBB3", "x", 0600);
  SpoolFolder::put("incoming/AAAAA9", "x", 0600);
  EXPECT_EQ(act({.remove = {true, {}}}).deleted, 5);
  EXPECT_EQ(SpoolFolder::files(), (Names{"defer/B/BBBBB3", "incoming/AAAAA9"}));
}

TEST_F(Act, ManyWorkersRemoveWhatOneWould) {
  for (int i = 0; i < 500; ++i) {
    SpoolFolder::put(fmt::format("deferred/{:X}/{:X}AAAA{:03}", i % 16, i % 16, i), "x");
    SpoolFolder::put(fmt::format("defer/{:X}/{:X}AAAA{:03}", i % 16, i % 16, i), "x", 0600);
  }
  SpoolFolder::put("deferred/F/FFFFF.FF", "x");
  SpoolFolder::put("defer/F/FFFFFF", "x", 0600);
  const Spool real{SpoolSettings()};
  postsuper::Actions actions(real, {}, [](std::string&) { return false; }, 8);
  EXPECT_EQ(actions.run({.remove = {true, {}}}).deleted, 500);
  EXPECT_EQ(SpoolFolder::files(), (Names{"defer/F/FFFFFF", "deferred/F/FFFFF.FF"}));
  EXPECT_TRUE(log_.contains("bogus file name: deferred/F/FFFFF.FF"));
}

TEST_F(Act, AWorkerThatFailsEndsIt) {
  for (int i = 0; i < 64; ++i) SpoolFolder::put(fmt::format("deferred/{:X}/{:X}AAAA{:03}", i % 16, i % 16, i), "x");
  std::filesystem::remove("trace");
  SpoolFolder::put("trace", "no directory");
  const Spool real{SpoolSettings()};
  postsuper::Actions actions(real, {}, [](std::string&) { return false; }, 8);
  EXPECT_THROW(actions.run({.remove = {true, {}}}), base::Fatal);
}

TEST_F(Act, RemovesAllOfTheFoldersGiven) {
  put_one_in_each();
  EXPECT_EQ(act({.remove = {true, {}}, .folders = {Folder::deferred, Folder::bounce}}).deleted, 1);
  EXPECT_EQ(SpoolFolder::files().size(), 4u);
}

TEST_F(Act, WhatIsStillBeingWrittenIsLeftAlone) {
  for (const char* path : {"incoming/AAAAA1", "hold/AAAAA4", "maildrop/AAAAA5"}) SpoolFolder::put(path, "x", 0600);
  const Names before = SpoolFolder::files();
  for (const bool all : {true, false}) {
    const postsuper::Targets targets{all, {"AAAAA1", "AAAAA4", "AAAAA5"}};
    const Totals totals =
        act({.remove = targets, .expire = targets, .hold = targets, .release = targets, .requeue = targets});
    EXPECT_EQ(totals.deleted + totals.expired + totals.held + totals.released + totals.requeued, 0);
  }
  EXPECT_EQ(SpoolFolder::files(), before);
}

TEST_F(Act, HoldsAndReleases) {
  put_one_in_each();
  EXPECT_EQ(act({.hold = {true, {}}}).held, 3);
  EXPECT_EQ(SpoolFolder::files(),
            (Names{"hold/AAAAA1", "hold/AAAAA2", "hold/AAAAA3", "hold/AAAAA4", "maildrop/AAAAA5"}));
  EXPECT_EQ(act({.release = {false, {"AAAAA1", "AAAAA4"}}}).released, 2);
  EXPECT_EQ(SpoolFolder::files(),
            (Names{"deferred/A/AAAAA1", "deferred/A/AAAAA4", "hold/AAAAA2", "hold/AAAAA3", "maildrop/AAAAA5"}));
}

TEST_F(Act, MailThatNobodyLookedAtYetCannotBeHeld) {
  put_one_in_each();
  EXPECT_EQ(act({.hold = {true, {}}, .folders = {Folder::maildrop}}).held, 0);
  EXPECT_EQ(act({.hold = {false, {"AAAAA5"}}}).held, 0);
}

TEST_F(Act, RequeuesByARenameThatKeepsTheMode) {
  SpoolFolder::put("deferred/A/AAAAA3", "x");
  const timespec future[2] = {{4000000000, 0}, {4000000000, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, "deferred/A/AAAAA3", future, 0), 0);
  EXPECT_EQ(act({.requeue = {true, {}}}).requeued, 1);
  EXPECT_EQ(SpoolFolder::mode("maildrop/AAAAA3"), 0700u);
  struct stat status{};
  ASSERT_EQ(::lstat("maildrop/AAAAA3", &status), 0);
  EXPECT_LE(status.st_mtime, ::time(nullptr));
}

TEST_F(Act, ExpiresOnce) {
  put_one_in_each();
  EXPECT_EQ(act({.expire = {true, {}}}).expired, 4);
  EXPECT_EQ(SpoolFolder::mode("hold/AAAAA4"), 0710u);
  EXPECT_EQ(act({.expire = {true, {}}}).expired, 0);
}

TEST_F(Act, ExpiresAndReleases) {
  put_one_in_each();
  const Totals totals = act({.expire_and_release = {false, {"AAAAA4", "AAAAA1"}}});
  EXPECT_EQ(totals.expired, 2);
  EXPECT_EQ(totals.released, 1);
  EXPECT_EQ(SpoolFolder::mode("deferred/A/AAAAA4"), 0710u);
}

TEST_F(Act, ReadsIdsFromItsInput) {
  put_one_in_each();
  lines_ = {"AAAAA1", " AAAAA2", "", "AAAAA3"};
  EXPECT_EQ(act({.remove = {false, {"-"}}}).deleted, 2);
  EXPECT_TRUE(log_.contains("invalid mail queue id:  AAAAA2"));
}

TEST_F(Act, BadIdsTouchNothing) {
  put_one_in_each();
  EXPECT_EQ(act({.remove = {false, {"../hold/AAAAA4", "", "a b", ".", "all"}}}).deleted, 0);
  EXPECT_EQ(SpoolFolder::files().size(), 5u);
}

TEST_F(Act, AMoveNeverCostsAMessageItsFile) {
  SpoolFolder::put("active/AAAAA2", "one");
  SpoolFolder::put("hold/AAAAA2", "two");
  EXPECT_EQ(act({.hold = {true, {}}}).held, 0);
  EXPECT_EQ(SpoolFolder::content("active/AAAAA2"), "one");
  EXPECT_EQ(SpoolFolder::content("hold/AAAAA2"), "two");
  EXPECT_TRUE(log_.contains("File exists"));
}

TEST_F(Act, AMessageThatGoesAwayMeanwhileIsNoError) {
  put_one_in_each();
  for (const auto step : {"postsuper.remove", "postsuper.move", "postsuper.requeue", "postsuper.expire"}) {
    disk_.fail_at(step, ENOENT);
    const postsuper::Targets all{true, {}};
    const Totals totals =
        act(Request{.remove = step == std::string("postsuper.remove") ? all : postsuper::Targets(),
                    .expire = step == std::string("postsuper.expire") ? all : postsuper::Targets(),
                    .hold = step == std::string("postsuper.move") ? all : postsuper::Targets(),
                    .requeue = step == std::string("postsuper.requeue") ? all : postsuper::Targets()});
    EXPECT_EQ(totals.deleted + totals.expired + totals.held + totals.requeued, 0) << step;
  }
  EXPECT_EQ(SpoolFolder::files().size(), 5u);
}

TEST_F(Act, ADiskThatRefusesEndsIt) {
  put_one_in_each();
  disk_.fail_at("postsuper.remove", EIO);
  EXPECT_THROW(act({.remove = {true, {}}}), base::Fatal);
  EXPECT_EQ(SpoolFolder::files().size(), 5u);
}

}  // namespace
