#include "queue/spare.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "lib/disks.h"
#include "lib/spool_folder.h"

namespace {

using queue::open_spare;
using queue::remove_waste;
using tests::SpoolFolder;

class Spare : public testing::Test {
 protected:
  Spare() { SpoolFolder::put("spare/a", "old", 0740); }
  static int refusal(std::string_view name) {
    const auto file = open_spare(name);
    return file ? 0 : file.error().number;
  }

  SpoolFolder folder_;
};

TEST_F(Spare, IsDescribed) {
  const auto file = open_spare("a");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->size, 3);
  EXPECT_EQ(file->mode, 0740u);
}

TEST_F(Spare, BelongsToOneAtATime) {
  auto first = open_spare("a");
  EXPECT_EQ(refusal("a"), EAGAIN);
  first->fd.reset();
  EXPECT_EQ(refusal("a"), 0);
}

TEST_F(Spare, IsNotTakenFromADeliveryThatGoesOn) {
  const base::Fd agent(::open("spare/a", O_RDWR | O_CLOEXEC));
  ASSERT_EQ(::flock(agent.get(), LOCK_SH), 0);
  EXPECT_EQ(refusal("a"), EAGAIN);
}

TEST_F(Spare, IsAPlainFileWithOneName) {
  EXPECT_EQ(refusal("none"), ENOENT);
  std::filesystem::create_symlink("a", "spare/link");
  EXPECT_EQ(refusal("link"), ELOOP);
  std::filesystem::create_directory("spare/directory");
  EXPECT_NE(refusal("directory"), 0);
  ASSERT_EQ(::mkfifo("spare/fifo", 0700), 0);
  EXPECT_EQ(refusal("fifo"), EPERM);
  std::filesystem::create_hard_link("spare/a", "copy");  // a backup that must not change
  EXPECT_EQ(refusal("a"), EPERM);
}

TEST_F(Spare, WasteIsRemovedUnlessItIsInUse) {
  tests::FailingDisk disk;
  auto writer = open_spare("a");
  EXPECT_TRUE(remove_waste(disk, "test", "a"));
  EXPECT_TRUE(std::filesystem::exists("spare/a"));
  writer->fd.reset();
  EXPECT_TRUE(remove_waste(disk, "test", "a"));
  EXPECT_FALSE(std::filesystem::exists("spare/a"));
  EXPECT_TRUE(remove_waste(disk, "test", "a")) << "gone is gone";
}

TEST_F(Spare, WasteThatIsNoSpareFileIsRemovedToo) {
  std::filesystem::create_symlink("a", "spare/link");
  EXPECT_TRUE(remove_waste(disk::real(), "test", "link"));
  EXPECT_FALSE(std::filesystem::is_symlink("spare/link"));
  EXPECT_TRUE(std::filesystem::exists("spare/a"));
}

TEST_F(Spare, WasteThatCannotBeRemovedIsTold) {
  tests::FailingDisk disk;
  disk.fail_at("test", EROFS);
  EXPECT_EQ(remove_waste(disk, "test", "a").error().number, EROFS);
}

}  // namespace
