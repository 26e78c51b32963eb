#include "delivery/mbox.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "lib/delivery_world.h"
#include "lib/disks.h"
#include "logging/log.h"

namespace {

namespace fs = std::filesystem;
using delivery::LockMethods;
using delivery::MboxTarget;
using tests::FailingDisk;
using tests::ForgetfulDisk;
using tests::SpoolFolder;
using tests::Then;

constexpr std::string_view kText = "From s@x  Thu Jan  1 00:00:00 1970\nSubject: x\n\nhello, hello, hello\n\n";
constexpr std::string_view kOld = "From o@x  Thu Jan  1 00:00:00 1970\n\nold\n\n";

disk::Result<void> write_text(const delivery::TextSink& sink) {
  return sink(kText);
}

class Mbox : public testing::Test {
 protected:
  Mbox() {
    settings_.locks = {.dotlock = true, .fcntl = true, .flock = true};
    settings_.lock_attempts = 2;
    settings_.lock_delay = std::chrono::milliseconds(10);
    fs::create_directory("spool");
    target_.path = "spool/jane";
    target_.owner = target_.opener = {::geteuid(), ::getegid()};
  }
  auto deliver(disk::Disk& disk = disk::real()) {
    return delivery::deliver_to_mbox(disk, settings_, target_, write_text);
  }
  std::string error(disk::Disk& disk = disk::real()) {
    const auto result = deliver(disk);
    return result ? "delivered" : result.error().text;
  }
  static std::string mailbox() { return SpoolFolder::content("spool/jane"); }

  SpoolFolder folder_;
  delivery::MailboxSettings settings_;
  MboxTarget target_;
  logging::Capture log_;
};

TEST_F(Mbox, IsMadeOnDemand) {
  const auto offset = deliver();
  ASSERT_TRUE(offset);
  EXPECT_EQ(*offset, 0);
  EXPECT_EQ(mailbox(), kText);
  EXPECT_EQ(SpoolFolder::mode("spool/jane"), 0600u);
  EXPECT_FALSE(fs::exists("spool/jane.lock"));
}

TEST_F(Mbox, GrowsAtItsEnd) {
  SpoolFolder::put("spool/jane", kOld, 0644);
  const auto offset = deliver();
  ASSERT_TRUE(offset);
  EXPECT_EQ(*offset, static_cast<std::int64_t>(kOld.size()));
  EXPECT_EQ(mailbox(), std::string(kOld) + std::string(kText));
  EXPECT_EQ(SpoolFolder::mode("spool/jane"), 0644u);
}

TEST_F(Mbox, AHalfLineAtItsEndDoesNotSwallowTheMessage) {
  SpoolFolder::put("spool/jane", "From o@x  Thu Jan", 0600);
  ASSERT_TRUE(deliver());
  EXPECT_EQ(mailbox(), "From o@x  Thu Jan\n\n" + std::string(kText));
}

TEST_F(Mbox, ADotlockOfSomebodyElseIsWaitedForAndThenDefers) {
  SpoolFolder::put("spool/jane.lock", "", 0);
  EXPECT_EQ(error(), "unable to create lock file spool/jane.lock: File exists");
  EXPECT_TRUE(fs::exists("spool/jane.lock"));
  EXPECT_FALSE(fs::exists("spool/jane"));
}

TEST_F(Mbox, ADotlockThatIsTooOldGoes) {
  SpoolFolder::put("spool/jane.lock", "", 0);
  settings_.stale_lock = std::chrono::seconds(-1);
  ASSERT_TRUE(deliver());
  EXPECT_TRUE(log_.contains("removed stale lock file spool/jane.lock"));
  EXPECT_FALSE(fs::exists("spool/jane.lock"));
}

TEST_F(Mbox, TheDotlockIsTakenBeforeTheFileIsTouched) {
  FailingDisk disk;
  ASSERT_TRUE(deliver(disk));
  EXPECT_EQ(disk.taken().front(), "mbox.dotlock");
  EXPECT_EQ(disk.taken().back(), "mbox.unlock");
  const auto close = std::ranges::find(disk.taken(), "mbox.close");
  EXPECT_EQ(close + 2, disk.taken().end());
}

// Locks belong to processes, so another one is needed to hold them.
class Holder {
 public:
  Holder(const std::string& path, bool with_fcntl) {
    int ready[2];
    if (::pipe(ready) != 0) return;
    pid_ = ::fork();
    if (pid_ == 0) {
      const int fd = ::open(path.c_str(), O_RDWR);
      struct flock whole{};
      whole.l_type = F_WRLCK;
      const int locked = with_fcntl ? ::fcntl(fd, F_SETLK, &whole) : ::flock(fd, LOCK_EX);
      (void)!::write(ready[1], locked == 0 ? "+" : "-", 1);
      ::pause();
      ::_exit(0);
    }
    char answer = '-';
    (void)!::read(ready[0], &answer, 1);
    held_ = answer == '+';
    ::close(ready[0]);
    ::close(ready[1]);
  }
  ~Holder() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  bool held() const { return held_; }

 private:
  pid_t pid_ = -1;
  bool held_ = false;
};

TEST_F(Mbox, KernelLocksOfOthersAreHonoured) {
  SpoolFolder::put("spool/jane", kOld, 0600);
  for (const bool with_fcntl : {true, false}) {
    const Holder holder("spool/jane", with_fcntl);
    ASSERT_TRUE(holder.held());
    EXPECT_TRUE(error().starts_with("unable to lock for exclusive access: ")) << error();
    EXPECT_EQ(mailbox(), kOld);
    EXPECT_FALSE(fs::exists("spool/jane.lock"));
    settings_.locks.fcntl = !with_fcntl;
    settings_.locks.flock = with_fcntl;
    EXPECT_TRUE(deliver());
    SpoolFolder::put("spool/jane", kOld, 0600);
    settings_.locks = {.dotlock = true, .fcntl = true, .flock = true};
  }
}

TEST_F(Mbox, AFileWithTwoNamesIsRefused) {
  SpoolFolder::put("victim", "precious", 0600);
  fs::create_hard_link("victim", "spool/jane");
  EXPECT_EQ(error(), "file has 2 hard links");
  EXPECT_EQ(SpoolFolder::content("victim"), "precious");
}

TEST_F(Mbox, ALinkOfAUserIsRefused) {
  SpoolFolder::put("victim", "precious", 0600);
  fs::create_symlink(fs::absolute("victim"), "spool/jane");
  fs::permissions("spool", fs::perms::all);  // anybody may have made it
  EXPECT_EQ(error(), "cannot open file: Too many levels of symbolic links");
  EXPECT_EQ(SpoolFolder::content("victim"), "precious");
}

TEST_F(Mbox, ALinkToNowhereCreatesNothing) {
  fs::create_symlink(fs::absolute("nowhere"), "spool/jane");
  EXPECT_TRUE(error().starts_with("cannot open file: "));
  EXPECT_FALSE(fs::exists("nowhere"));
}

TEST_F(Mbox, RootsLinkInRootsFolderIsFollowed) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  SpoolFolder::put("elsewhere", kOld, 0600);
  fs::create_symlink(fs::absolute("elsewhere"), "spool/jane");
  ASSERT_TRUE(deliver());
  EXPECT_EQ(SpoolFolder::content("elsewhere"), std::string(kOld) + std::string(kText));
}

TEST_F(Mbox, OnlyARegularFileIsAMailbox) {
  ASSERT_EQ(::mkfifo("spool/jane", 0600), 0);
  EXPECT_EQ(error(), "destination spool/jane is not a regular file");
  fs::remove("spool/jane");
  fs::create_directory("spool/jane");
  EXPECT_EQ(error(), "cannot open file: Is a directory");
}

TEST_F(Mbox, AFileOfSomebodyElseIsRefusedWhenOwnershipIsStrict) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  SpoolFolder::put("spool/jane", kOld, 0600);
  ASSERT_EQ(::chown("spool/jane", 1, 1), 0);
  EXPECT_EQ(error(), "destination spool/jane is not owned by recipient");
  settings_.strict_ownership = false;
  EXPECT_TRUE(deliver());
}

TEST_F(Mbox, MayNotGrowOverItsLimit) {
  SpoolFolder::put("spool/jane", kOld, 0600);
  settings_.size_limit = static_cast<std::int64_t>(kOld.size() + kText.size()) - 1;
  const auto result = deliver();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().text, "error writing message: File too large");
  const auto outcome = delivery::failure(result.error(), "x");
  ASSERT_TRUE(std::holds_alternative<delivery::Bounced>(outcome));
  EXPECT_EQ(std::get<delivery::Bounced>(outcome).status.code, "5.2.2");
  EXPECT_EQ(mailbox(), kOld);
  settings_.size_limit += 1;
  EXPECT_TRUE(deliver());
}

TEST_F(Mbox, AnyStepThatFailsGivesTheFileItsOldLength) {
  FailingDisk counting;
  ASSERT_TRUE(deliver(counting));
  const auto steps = static_cast<int>(counting.taken().size());
  ASSERT_GE(steps, 6);
  for (int step = 1; step <= steps; ++step) {
    const std::string name = counting.taken()[static_cast<std::size_t>(step - 1)];
    if (name == "mbox.close" || name == "mbox.unlock") continue;  // after the point of no return
    for (const int number : {EIO, ENOSPC, EDQUOT}) {
      fs::remove("spool/jane");
      FailingDisk disk;
      disk.fail_at(step, number);
      const auto result = deliver(disk);
      ASSERT_FALSE(result) << name;
      EXPECT_EQ(result.error().number, number) << name;
      EXPECT_EQ(mailbox(), "") << name;
      EXPECT_FALSE(fs::exists("spool/jane.lock")) << name;
      ASSERT_TRUE(deliver()) << name;
      EXPECT_EQ(mailbox(), kText) << name;
    }
  }
}

TEST_F(Mbox, FaultsOfThisMachineDeferAndTheOwnersBounce) {
  const auto bounces = [](int number) {
    return std::holds_alternative<delivery::Bounced>(delivery::failure({number, ""}, ""));
  };
  EXPECT_TRUE(bounces(EDQUOT));
  EXPECT_TRUE(bounces(EFBIG));
  for (const int number : {EIO, ENOSPC, EACCES, EROFS, EMFILE, 0}) EXPECT_FALSE(bounces(number)) << number;
}

TEST_F(Mbox, ACloseThatFailsIsNoDelivery) {
  FailingDisk disk;
  disk.fail_at("mbox.close", EIO);
  EXPECT_EQ(error(disk), "error closing mailbox: Input/output error");
}

TEST_F(Mbox, WhatIsSaidToBeDeliveredSurvivesAPowerCut) {
  for (const auto loss : {ForgetfulDisk::Loss::everything, ForgetfulDisk::Loss::contents}) {
    fs::remove("spool/jane");
    fs::remove("spool/jane.lock");  // it may survive the cut, until it is too old
    ForgetfulDisk disk;
    ASSERT_TRUE(deliver(disk));
    disk.lose_power(loss);
    EXPECT_EQ(mailbox(), kText);
  }
}

TEST_F(Mbox, ADamagedMessageLeavesTheMailboxAsItWas) {
  SpoolFolder::put("spool/jane", kOld, 0600);
  const auto write_some = [](const delivery::TextSink& sink) -> disk::Result<void> {
    (void)sink(kText);
    throw delivery::Corrupt{"test"};
  };
  EXPECT_THROW((void)delivery::deliver_to_mbox(disk::real(), settings_, target_, write_some), delivery::Corrupt);
  EXPECT_EQ(mailbox(), kOld);
  EXPECT_FALSE(fs::exists("spool/jane.lock"));
}

TEST(LockMethods, AreThoseOfThePlatform) {
  const LockMethods methods = LockMethods::parse("mailbox_delivery_lock", "fcntl, dotlock");
  EXPECT_TRUE(methods.fcntl && methods.dotlock && !methods.flock);
  EXPECT_THROW((void)LockMethods::parse("mailbox_delivery_lock", "fcntl, hope"), config::BadValue);
}

}  // namespace
