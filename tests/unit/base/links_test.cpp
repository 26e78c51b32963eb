#include "base/links.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace {

namespace fs = std::filesystem;

class RootsLink : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_);
    fs::create_symlink("target", folder_ / "link");
  }
  void TearDown() override { fs::remove_all(folder_); }
  bool is_roots() const { return base::is_roots_link(folder_ / "link"); }
  fs::path folder_ = fs::temp_directory_path() / fmt::format("unit_links.{}", ::getpid());
};

TEST_F(RootsLink, LiesWhereNobodyElseMayWrite) {
  for (const auto& [mode, only_owner] : {std::pair(0755, true), std::pair(0775, false), std::pair(01777, false)}) {
    ASSERT_EQ(::chmod(folder_.c_str(), static_cast<mode_t>(mode)), 0);
    EXPECT_EQ(is_roots(), only_owner && ::geteuid() == 0) << mode;
  }
}

TEST_F(RootsLink, IsNoUsers) {
  ASSERT_EQ(::chmod(folder_.c_str(), 0755), 0);
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  ASSERT_EQ(::lchown((folder_ / "link").c_str(), 65534, 65534), 0);
  EXPECT_FALSE(is_roots());
  ASSERT_EQ(::lchown((folder_ / "link").c_str(), 0, 0), 0);
  ASSERT_EQ(::chown(folder_.c_str(), 65534, 65534), 0);
  EXPECT_FALSE(is_roots());
}

TEST_F(RootsLink, IsALink) {
  EXPECT_FALSE(base::is_roots_link("/etc/passwd"));
  EXPECT_FALSE(base::is_roots_link(folder_ / "absent"));
}

}  // namespace
