#include "postlock/mailbox_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace {

using postlock::MailboxLock;
using postlock::Style;
using std::chrono::seconds;
namespace fs = std::filesystem;

const postlock::Patience kImpatient{1, seconds(0), seconds(500)};

class Mailbox : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path folder_ = fs::temp_directory_path() / fmt::format("unit_postlock.{}", ::getpid());
  std::string path_ = folder_ / "box";
};

TEST(Styles, AreNamedInAnyOrder) {
  const auto styles = postlock::parse_styles("dotlock, fcntl");
  ASSERT_TRUE(styles);
  EXPECT_EQ(*styles, (std::vector{Style::dotlock, Style::fcntl}));
}

TEST(Styles, AnUnknownNameIsToldWithTheWholeValue) {
  const auto styles = postlock::parse_styles("fcntl, bogus");
  ASSERT_FALSE(styles);
  EXPECT_EQ(styles.error().text, "unknown mailbox_delivery_lock value \"bogus\" in \"fcntl, bogus\"");
}

TEST_F(Mailbox, TheLockFileLivesAsLongAsTheLock) {
  {
    const auto lock = MailboxLock::take(path_, {Style::fcntl, Style::dotlock}, kImpatient);
    ASSERT_TRUE(lock) << lock.error().text;
    EXPECT_TRUE(fs::exists(path_ + ".lock"));
  }
  EXPECT_FALSE(fs::exists(path_ + ".lock"));
  EXPECT_TRUE(fs::exists(path_));
}

TEST_F(Mailbox, AnothersLockFileStays) {
  std::ofstream(path_ + ".lock").flush();
  const auto lock = MailboxLock::take(path_, {Style::dotlock}, kImpatient);
  ASSERT_FALSE(lock);
  EXPECT_EQ(lock.error().text, fmt::format("unable to create lock file {}.lock: File exists", path_));
  EXPECT_TRUE(fs::exists(path_ + ".lock"));
}

TEST_F(Mailbox, AStaleLockFileIsReplaced) {
  std::ofstream(path_ + ".lock").flush();
  const auto lock = MailboxLock::take(path_, {Style::dotlock}, {2, seconds(0), seconds(-1)});
  EXPECT_TRUE(lock);
}

TEST_F(Mailbox, AnothersKernelLockIsRespected) {
  std::ofstream(path_).flush();
  const base::Fd other(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(::flock(other.get(), LOCK_EX), 0);
  const auto lock = MailboxLock::take(path_, {Style::flock}, kImpatient);
  ASSERT_FALSE(lock);
  EXPECT_TRUE(lock.error().text.starts_with("unable to lock for exclusive access: "));
}

// Whoever has root lock his mailbox must not have it make or lock something else.
TEST_F(Mailbox, LinksThatAUserMayHavePutThereAreNotFollowed) {
  const std::string elsewhere = folder_ / "elsewhere";
  ASSERT_EQ(::chmod(folder_.c_str(), 0777), 0);
  for (const bool exists : {false, true}) {
    if (exists) std::ofstream(elsewhere).put('x');
    for (const Style style : {Style::dotlock, Style::fcntl, Style::flock}) {
      fs::remove(path_);
      fs::create_symlink(elsewhere, path_);
      const auto lock = MailboxLock::take(path_, {style}, kImpatient);
      ASSERT_FALSE(lock);
      EXPECT_EQ(lock.error().text, "file is a symbolic link");
      EXPECT_EQ(fs::exists(elsewhere), exists);
    }
  }
}

TEST_F(Mailbox, OnlyPlainFilesWithOneNameAreMailboxes) {
  const auto directory = MailboxLock::take(folder_, {Style::flock}, kImpatient);
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error().text, "cannot open file: Is a directory");
  std::ofstream(path_).flush();
  fs::create_hard_link(path_, folder_ / "second");
  EXPECT_FALSE(MailboxLock::take(path_, {Style::flock}, kImpatient));
}

}  // namespace
