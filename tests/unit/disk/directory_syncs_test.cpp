#include "disk/directory_syncs.h"

#include <cerrno>
#include <functional>

#include "io/fiber.h"
#include "lib/disks.h"

namespace {

using disk::DirectorySyncs;
using disk::NewName;

// Syncs take until they are let through; nothing else is done.
class SlowDisk : public tests::FailingDisk {
 public:
  disk::Result<void> sync_directory(disk::Step, const std::string& directory) override {
    ++begun[directory];
    const int number = ++begun_in_all_;
    while (number > let_through_) changed_.wait(io::Deadline::never());
    if (number == fails_at) return std::unexpected(disk::Error{EIO, "fsync directory"});
    return {};
  }
  void let_through(int more = 1) {
    let_through_ += more;
    changed_.notify_all();
    io::yield();
    io::yield();
  }

  std::map<std::string, int> begun;
  int fails_at = 0;

 private:
  io::Condition changed_;
  int begun_in_all_ = 0;
  int let_through_ = 0;
};

class Syncs : public testing::Test {
 protected:
  NewName name(const std::string& directory = "incoming") { return {syncs_, directory}; }

  // A fiber that makes a name durable; what it returned, once it is done.
  struct Commit {
    std::optional<disk::Result<void>> result;
    io::FiberHandle fiber;
  };
  void commit(NewName& name, Commit& commit) {
    commit.fiber = io::spawn("commit", [&] { commit.result = name.make_durable("test"); });
    io::yield();
  }

  void in_a_fiber(const std::function<void()>& body) {
    io::Loop loop;
    io::spawn("test", body);
    loop.run();
  }

  SlowDisk disk_;
  std::shared_ptr<DirectorySyncs> syncs_ = DirectorySyncs::of(disk_);
};

TEST_F(Syncs, NamesThatWaitShareOne) {
  in_a_fiber([this] {
    NewName first = name(), second = name(), third = name();
    Commit commits[3];
    commit(first, commits[0]);
    commit(second, commits[1]);
    disk_.let_through();
    EXPECT_TRUE(commits[0].result.value());
    EXPECT_TRUE(commits[1].result.value());
    commit(third, commits[2]);
    EXPECT_TRUE(commits[2].result.value()) << "it was there when the sync began";
    EXPECT_EQ(disk_.begun["incoming"], 1);
  });
}

TEST_F(Syncs, ANameThatCameDuringASyncWaitsForTheNext) {
  in_a_fiber([this] {
    NewName first = name();
    Commit commits[3];
    commit(first, commits[0]);
    NewName second = name(), third = name();
    commit(second, commits[1]);
    commit(third, commits[2]);
    disk_.let_through();
    EXPECT_TRUE(commits[0].result.value());
    EXPECT_FALSE(commits[1].result.has_value());
    disk_.let_through();
    EXPECT_TRUE(commits[1].result.value());
    EXPECT_TRUE(commits[2].result.value());
    EXPECT_EQ(disk_.begun["incoming"], 2);
  });
}

TEST_F(Syncs, DirectoriesHaveNothingToDoWithEachOther) {
  in_a_fiber([this] {
    NewName first = name("a"), second = name("b");
    Commit commits[2];
    commit(first, commits[0]);
    commit(second, commits[1]);
    disk_.let_through(2);
    EXPECT_EQ(disk_.begun["a"], 1);
    EXPECT_EQ(disk_.begun["b"], 1);
    EXPECT_TRUE(commits[1].result.value());
  });
}

TEST_F(Syncs, AFailureIsToldToAllWhoseNameItMayHaveLost) {
  in_a_fiber([this] {
    disk_.fails_at = 1;
    NewName first = name(), second = name(), quiet = name();
    Commit commits[4];
    commit(first, commits[0]);
    commit(second, commits[1]);
    NewName later = name();
    disk_.let_through(9);
    EXPECT_EQ(commits[0].result.value().error().number, EIO);
    EXPECT_EQ(commits[1].result.value().error().number, EIO);
    commit(quiet, commits[2]);
    EXPECT_EQ(commits[2].result.value().error().number, EIO) << "though a second sync would have succeeded";
    commit(later, commits[3]);
    EXPECT_TRUE(commits[3].result.value());
  });
}

TEST_F(Syncs, ALoneNameIsSyncedWhileItsMakerDoesOtherThings) {
  in_a_fiber([this] {
    NewName only = name();
    only.begin("test");
    io::yield();
    EXPECT_EQ(disk_.begun["incoming"], 1);
    disk_.let_through();
    Commit committed;
    commit(only, committed);
    EXPECT_TRUE(committed.result.value());
    EXPECT_EQ(disk_.begun["incoming"], 1);
  });
}

TEST_F(Syncs, NamesInCompanyDoNotBeginEarly) {
  in_a_fiber([this] {
    NewName first = name(), second = name();
    second.begin("test");
    io::yield();
    EXPECT_EQ(disk_.begun["incoming"], 0);
  });
}

TEST_F(Syncs, AnEarlySyncMayOutliveTheName) {
  in_a_fiber([this] {
    {
      NewName given_up = name();
      given_up.begin("test");
      io::yield();
    }
    syncs_.reset();
    disk_.let_through();
    EXPECT_EQ(disk_.begun["incoming"], 1);
  });
}

TEST_F(Syncs, WhoIsCancelledLeavesTheOthersToIt) {
  in_a_fiber([this] {
    NewName first = name(), second = name();
    Commit commits[2];
    commit(first, commits[0]);
    commit(second, commits[1]);
    commits[0].fiber.cancel();
    commits[0].fiber.join();
    io::yield();
    EXPECT_FALSE(commits[0].result.has_value());
    disk_.let_through(2);
    EXPECT_TRUE(commits[1].result.value());
    EXPECT_EQ(disk_.begun["incoming"], 2);
  });
}

TEST_F(Syncs, OutsideOfAFiberEachIsASyncOfItsOwnTime) {
  disk_.let_through(2);
  NewName first = name(), second = name();
  first.begin("test");
  EXPECT_EQ(disk_.begun["incoming"], 0);
  EXPECT_TRUE(first.make_durable("test"));
  EXPECT_TRUE(second.make_durable("test"));
  EXPECT_EQ(disk_.begun["incoming"], 1);
  NewName third = name();
  EXPECT_TRUE(third.make_durable("test"));
  EXPECT_EQ(disk_.begun["incoming"], 2);
}

}  // namespace
