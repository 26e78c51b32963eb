#include "master/instance_lock.h"

#include <fmt/format.h>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace {

class InstanceLock : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / fmt::format("unit_master_lock.{}", ::getpid());
  std::string path_ = folder_ / "master.pid";
};

TEST_F(InstanceLock, ContentIsThirtyThreeBytes) {
  EXPECT_EQ(master::lock_content(16981), fmt::format("{:27}16981\n", ""));
  EXPECT_EQ(master::lock_content(1).size(), 33u);
}

TEST_F(InstanceLock, WhoHoldsItIsKnown) {
  const auto lock = master::take_lock(path_);
  ASSERT_TRUE(lock);
  ASSERT_TRUE(master::write_pid(lock->get(), path_));
  EXPECT_EQ(std::filesystem::file_size(path_), 33u);
  const auto holder = master::holder_of(path_);
  ASSERT_TRUE(holder);
  EXPECT_EQ(*holder, ::getpid());
}

TEST_F(InstanceLock, NobodyElseGetsIt) {
  const auto lock = master::take_lock(path_);
  const auto second = master::take_lock(path_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().text,
            fmt::format("open lock file {}: unable to set exclusive lock: Resource temporarily unavailable", path_));
}

TEST_F(InstanceLock, AFileWithoutAHolderMeansNothing) {
  std::ofstream(path_) << master::lock_content(1);
  EXPECT_EQ(master::holder_of(path_).value(), std::nullopt);
  EXPECT_EQ(master::holder_of(path_ + ".absent").value(), std::nullopt);
}

TEST_F(InstanceLock, ALinkIsNotFollowed) {
  std::ofstream(folder_ / "victim") << "precious";
  std::filesystem::create_symlink(folder_ / "victim", path_);
  EXPECT_FALSE(master::take_lock(path_));
  std::filesystem::remove(path_);
  std::filesystem::create_hard_link(folder_ / "victim", path_);
  EXPECT_FALSE(master::take_lock(path_));
  EXPECT_EQ(std::filesystem::file_size(folder_ / "victim"), 8u);
}

}  // namespace
