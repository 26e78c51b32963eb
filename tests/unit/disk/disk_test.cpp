#include "disk/disk.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "lib/disks.h"

namespace {

using disk::Disk;
using disk::real;

class RealDisk : public testing::Test {
 protected:
  RealDisk() {
    char name[] = "/tmp/disk_test.XXXXXX";
    folder_ = std::string(::mkdtemp(name)) + "/";
  }
  ~RealDisk() override { std::filesystem::remove_all(folder_); }

  std::string path(std::string_view name) const { return folder_ + std::string(name); }
  std::string content(std::string_view name) const {
    std::ifstream stream(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  struct stat status(std::string_view name) const {
    struct stat result{};
    EXPECT_EQ(::lstat(path(name).c_str(), &result), 0);
    return result;
  }

  std::string folder_;
};

TEST_F(RealDisk, CreatesOnlyWhatIsNotThere) {
  EXPECT_TRUE(real().create("test", path("a"), 0600));
  EXPECT_EQ(status("a").st_mode & 07777, 0600u);
  const auto again = real().create("test", path("a"), 0600);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().number, EEXIST);
  EXPECT_EQ(again.error().text, "open " + path("a") + ": File exists");
}

TEST_F(RealDisk, FollowsNoLink) {
  std::ofstream(path("a")) << "x";
  std::filesystem::permissions(path("a"), std::filesystem::perms::owner_read);
  std::filesystem::create_symlink("a", path("link"));
  EXPECT_EQ(real().create("test", path("link"), 0600).error().number, EEXIST);
  EXPECT_EQ(real().open_append("test", path("link"), 0600).error().number, ELOOP);
  EXPECT_EQ(real().set_mode("test", path("link"), 0666).error().number, ELOOP);
  const auto before = status("a").st_mtime;
  EXPECT_TRUE(real().set_times("test", path("link"), 12345));
  EXPECT_EQ(status("a").st_mtime, before);
  EXPECT_EQ(status("link").st_mtime, 12345);
  EXPECT_EQ(status("a").st_mode & 07777, 0400u);
}

TEST_F(RealDisk, AppendsAfterWhatOthersWrote) {
  const auto one = real().open_append("test", path("a"), 0600);
  const auto two = real().open_append("test", path("a"), 0600);
  EXPECT_TRUE(real().write("test", one->get(), "one"));
  EXPECT_TRUE(real().write("test", two->get(), "two"));
  EXPECT_TRUE(real().write("test", one->get(), ""));
  EXPECT_EQ(content("a"), "onetwo");
}

TEST_F(RealDisk, WritesAtAPlaceAndCutsOff) {
  const auto fd = real().create("test", path("a"), 0600);
  EXPECT_TRUE(real().write("test", fd->get(), "abcdef"));
  EXPECT_TRUE(real().write_at("test", fd->get(), "XY", 2));
  EXPECT_TRUE(real().truncate("test", fd->get(), 5));
  EXPECT_EQ(content("a"), "abXYe");
}

TEST_F(RealDisk, GoesOnAfterAPartialWrite) {
  // Under this limit the kernel takes the first part of a write, and refuses the rest.
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit low{10, before.rlim_max};
  const auto fd = real().create("test", path("a"), 0600);
  ::setrlimit(RLIMIT_FSIZE, &low);
  const auto written = real().write("queue.write", fd->get(), "0123456789abcdef");
  ::setrlimit(RLIMIT_FSIZE, &before);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().number, EFBIG);
  EXPECT_EQ(written.error().text, "write (queue.write): File too large");
  EXPECT_EQ(content("a"), "0123456789");
}

TEST_F(RealDisk, SyncsFilesAndDirectories) {
  const auto fd = real().create("test", path("a"), 0600);
  EXPECT_TRUE(real().sync("test", fd->get()));
  EXPECT_TRUE(real().sync_directory("test", folder_));
  EXPECT_EQ(real().sync_directory("test", path("a")).error().number, ENOTDIR);
  EXPECT_EQ(real().sync("test", -1).error().number, EBADF);
}

TEST_F(RealDisk, ClosesOnceAndTellsTheError) {
  auto fd = real().create("test", path("a"), 0600);
  const int number = fd->get();
  EXPECT_TRUE(real().close("test", std::move(*fd)));
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
  EXPECT_EQ(real().close("test", base::Fd(number)).error().number, EBADF);
}

TEST_F(RealDisk, ChangesNames) {
  ASSERT_TRUE(real().create("test", path("a"), 0600));
  EXPECT_TRUE(real().rename("test", path("a"), path("b")));
  EXPECT_TRUE(real().link("test", path("b"), path("c")));
  EXPECT_EQ(status("c").st_nlink, 2u);
  EXPECT_TRUE(real().unlink("test", path("b")));
  EXPECT_TRUE(real().make_directory("test", path("d"), 0700));
  EXPECT_EQ(real().unlink("test", path("b")).error().text, "remove " + path("b") + ": No such file or directory");
  EXPECT_TRUE(real().remove_directory("test", path("d")));
}

TEST_F(RealDisk, ChangesModesAndTimes) {
  const auto fd = real().create("test", path("a"), 0600);
  EXPECT_TRUE(real().set_mode("test", fd->get(), 0700));
  EXPECT_EQ(status("a").st_mode & 07777, 0700u);
  EXPECT_TRUE(real().set_mode("test", path("a"), 0744));
  EXPECT_EQ(status("a").st_mode & 07777, 0744u);
  EXPECT_TRUE(real().set_times("test", path("a"), 1000));
  EXPECT_EQ(status("a").st_atime, 1000);
  EXPECT_TRUE(real().set_times("test", fd->get(), 2000));
  EXPECT_EQ(status("a").st_mtime, 2000);
  EXPECT_TRUE(real().set_owner("test", fd->get(), ::geteuid(), ::getegid()));
}

TEST_F(RealDisk, LeavesNothingOpenForCommands) {
  const auto fd = real().create("test", path("a"), 0600);
  EXPECT_NE(::fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, 0);
}

// --- the test doubles, which other tests believe

class Doubles : public RealDisk {
 protected:
  Doubles() : before_(std::filesystem::current_path()) { std::filesystem::current_path(folder_); }
  ~Doubles() override { std::filesystem::current_path(before_); }
  std::filesystem::path before_;
};

TEST_F(Doubles, FailTheNthStep) {
  tests::FailingDisk disk;
  disk.fail_at(2, ENOSPC);
  auto fd = disk.create("first", "a", 0600);
  ASSERT_TRUE(fd);
  EXPECT_EQ(disk.write("second", fd->get(), "abcd").error().number, ENOSPC);
  EXPECT_TRUE(disk.write("third", fd->get(), "ef"));
  EXPECT_EQ(content("a"), "abef");
  EXPECT_EQ(disk.taken(), (std::vector<std::string>{"first", "second", "third"}));
}

TEST_F(Doubles, FailAStepByItsName) {
  tests::FailingDisk disk;
  disk.fail_at("second", EIO, tests::Then::dead);
  auto fd = disk.create("first", "a", 0600);
  ASSERT_TRUE(fd);
  EXPECT_FALSE(disk.write("second", fd->get(), "abcd"));
  EXPECT_FALSE(disk.unlink("first", "a"));
  EXPECT_EQ(content("a"), "ab");
}

TEST_F(Doubles, ForgetWhatWasNotSynced) {
  std::ofstream("old") << "old";
  tests::ForgetfulDisk disk;
  auto kept = disk.create("test", "kept", 0600);
  ASSERT_TRUE(disk.write("test", kept->get(), "abc"));
  ASSERT_TRUE(disk.sync("test", kept->get()));
  ASSERT_TRUE(disk.sync_directory("test", "."));
  ASSERT_TRUE(disk.write("test", kept->get(), "def"));
  ASSERT_TRUE(disk.create("test", "lost", 0600));
  ASSERT_TRUE(disk.rename("test", "old", "renamed"));
  disk.lose_power(tests::ForgetfulDisk::Loss::everything);
  EXPECT_EQ(content("kept"), "abc");
  EXPECT_EQ(content("old"), "old");
  EXPECT_FALSE(std::filesystem::exists("renamed"));
  EXPECT_FALSE(std::filesystem::exists("lost"));
}

TEST_F(Doubles, ForgetContentsUnderTheirNames) {
  tests::ForgetfulDisk disk;
  auto fd = disk.create("test", "a", 0600);
  ASSERT_TRUE(disk.write("test", fd->get(), "abc"));
  ASSERT_TRUE(disk.rename("test", "a", "b"));
  disk.lose_power(tests::ForgetfulDisk::Loss::contents);
  EXPECT_TRUE(std::filesystem::exists("b"));
  EXPECT_EQ(content("b"), "");
}

TEST_F(Doubles, ForgetDirectoriesWithAllThatIsInThem) {
  tests::ForgetfulDisk disk;
  ASSERT_TRUE(disk.make_directory("test", "d", 0700));
  auto fd = disk.create("test", "d/a", 0600);
  ASSERT_TRUE(disk.sync("test", fd->get()));
  ASSERT_TRUE(disk.sync_directory("test", "d"));
  disk.lose_power(tests::ForgetfulDisk::Loss::everything);
  EXPECT_FALSE(std::filesystem::exists("d"));
}

TEST_F(Doubles, ARenameOverAnotherFileComesBackWhole) {
  std::ofstream("target") << "before";
  tests::ForgetfulDisk disk;
  auto fd = disk.create("test", "new", 0600);
  ASSERT_TRUE(disk.write("test", fd->get(), "after"));
  ASSERT_TRUE(disk.sync("test", fd->get()));
  ASSERT_TRUE(disk.rename("test", "new", "target"));
  disk.lose_power(tests::ForgetfulDisk::Loss::everything);
  EXPECT_EQ(content("target"), "before");
}

}  // namespace
