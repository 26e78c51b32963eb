#include "qmgr/spares.h"

#include "io/fiber.h"
#include "qmgr/steps.h"
#include "queue/spare.h"
#include "spool_fixture.h"

namespace qmgr {

namespace {

using namespace std::chrono_literals;
using queue::Folder;

class SpareFiles : public SpoolFixture {
 protected:
  SpareFiles() { std::filesystem::create_directory(queue::kSpareFolder); }

  queue::Id delivered() {
    const queue::Id id = write({});
    EXPECT_TRUE(spool.move("test", id, Folder::incoming, Folder::active));
    return id;
  }
  static bool is_spare(const queue::Id& id) { return std::filesystem::exists(queue::spare_path(id.text())); }
  static std::size_t count() {
    std::size_t files = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(queue::kSpareFolder)) ++files;
    return files;
  }
  // Beside the fiber that makes files ready.
  void run(const std::function<void()>& body) {
    io::Loop loop;
    const io::FiberHandle maker = io::spawn("maker", [this] { spares.make_ready_for_ever(); });
    io::spawn("body", [&, stopped = maker]() mutable {
      body();
      stopped.cancel();
    });
    loop.run();
  }
  // Somebody who wants `wanted`, and what there is for it: runs meanwhile.
  std::vector<std::string> take(std::uint32_t wanted, const std::function<void()>& meanwhile) {
    std::vector<std::string> names;
    io::FiberHandle taker = io::spawn("taker", [&] { names = spares.take(wanted); });
    io::yield();
    meanwhile();
    EXPECT_TRUE(taker.join(io::Deadline::after(10s)));
    return names;
  }

  queue::Spool failing_spool{queue::SpoolSettings(), disk};
  Spares spares{failing_spool};
};

TEST_F(SpareFiles, NobodyWantsAreNotKept) {
  const queue::Id id = delivered();
  EXPECT_FALSE(spares.keep(id, 1000));
  EXPECT_TRUE(is_in(id, Folder::active));
}

TEST_F(SpareFiles, AreGivenWhenTheirOldNamesAreGoneForGood) {
  run([this] {
    const queue::Id id = delivered();
    const auto names = take(5, [&] {
      EXPECT_TRUE(spares.keep(id, 1000));
      EXPECT_FALSE(is_in(id, Folder::active));
    });
    EXPECT_EQ(names, std::vector{id.text()});
    EXPECT_TRUE(is_spare(id));
    EXPECT_EQ(std::ranges::count(disk.steps, step::kSpareSync), 2) << "incoming and active";
  });
}

TEST_F(SpareFiles, AreKeptAsFarAsTheyAreWanted) {
  run([this] {
    const auto names = take(2, [&] {
      EXPECT_TRUE(spares.keep(delivered(), 1000));
      EXPECT_FALSE(spares.keep(delivered(), queue::kLargestSpare + 1)) << "not worth its place";
      EXPECT_TRUE(spares.keep(delivered(), 1000));
      EXPECT_FALSE(spares.keep(delivered(), 1000));
    });
    EXPECT_EQ(names.size(), 2U);
  });
}

TEST_F(SpareFiles, AreAllRemovedWhenASyncFails) {
  run([this] {
    disk.errors[std::string(step::kSpareSync)] = EIO;
    const queue::Id id = delivered();
    const auto names = take(5, [&] { EXPECT_TRUE(spares.keep(id, 1000)); });
    EXPECT_TRUE(names.empty());
    EXPECT_FALSE(is_spare(id));
  });
  EXPECT_TRUE(log.contains("qmgr.spare.sync"));
}

TEST_F(SpareFiles, StayInActiveWhenTheyCannotBeMoved) {
  run([this] {
    disk.errors[std::string(step::kSpare)] = EACCES;
    const queue::Id id = delivered();
    (void)take(5, [&] { EXPECT_FALSE(spares.keep(id, 1000)); });
    EXPECT_TRUE(is_in(id, Folder::active)) << "to be removed as ever";
  });
}

TEST_F(SpareFiles, ThatNobodyCameForAreRemoved) {
  run([this] {
    (void)take(3, [&] {
      EXPECT_TRUE(spares.keep(delivered(), 1000));
      EXPECT_TRUE(spares.keep(delivered(), 1000));
    });
    EXPECT_EQ(count(), 2U) << "taken";
    io::FiberHandle gone = io::spawn("gone", [&] { (void)spares.take(3); });
    io::yield();
    EXPECT_TRUE(spares.keep(delivered(), 1000));
    gone.cancel();
    for (int turn = 0; turn < 10000 && count() > 2; ++turn) io::sleep_until(io::Deadline::after(1ms));
    EXPECT_EQ(count(), 2U);
  });
}

TEST_F(SpareFiles, WasteOfEarlierTimesIsRemovedButNotWhatIsWrittenTo) {
  const queue::Id waste = delivered(), used = delivered();
  for (const queue::Id& id : {waste, used}) {
    std::filesystem::rename(path(id, Folder::active), queue::spare_path(id.text()));
  }
  const auto writer = queue::open_spare(used.text());
  ASSERT_TRUE(writer);
  spares.remove_all_waste();
  EXPECT_FALSE(is_spare(waste));
  EXPECT_TRUE(is_spare(used));
  spares.remove_waste({waste.text(), used.text()});
  EXPECT_TRUE(is_spare(used));
}

TEST_F(SpareFiles, WithoutTheDirectoryThereIsNoWaste) {
  std::filesystem::remove(queue::kSpareFolder);
  spares.remove_all_waste();
  EXPECT_TRUE(log.events().empty());
}

}  // namespace

}  // namespace qmgr
