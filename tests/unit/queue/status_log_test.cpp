#include "queue/status_log.h"

#include <sys/file.h>

#include <algorithm>
#include <thread>

#include "lib/disks.h"
#include "lib/spool_folder.h"
#include "queue/lock.h"
#include "queue/steps.h"

namespace {

using queue::Durable;
using queue::Folder;
using queue::Spool;
using queue::SpoolSettings;
using queue::StatusEntry;
using tests::FailingDisk;
using tests::SpoolFolder;

const queue::Id kId = *queue::Id::parse("9F850A78B12");

StatusEntry failed(std::string recipient) {
  StatusEntry entry;
  entry.recipient = std::move(recipient);
  entry.offset = 491;
  entry.status = "5.1.1";
  entry.action = "failed";
  entry.reason = "unknown user";
  return entry;
}

class StatusLog : public testing::Test {
 protected:
  std::vector<StatusEntry> read(Folder log = Folder::bounce) {
    const auto entries = queue::read_status(spool_, log, kId);
    EXPECT_TRUE(entries && *entries);
    return entries && *entries ? **entries : std::vector<StatusEntry>();
  }

  SpoolFolder folder_;
  FailingDisk disk_;
  Spool spool_{SpoolSettings(), disk_};
};

TEST_F(StatusLog, EntriesHavePostfixsForm) {
  StatusEntry entry = failed("a b@c.example");
  entry.original_recipient = "orig@c.example";
  entry.dsn_original = "rfc822;orig@c.example";
  entry.notify = 4;
  entry.diagnostic_type = "smtp";
  entry.diagnostic_text = "550 5.1.1 no\nsuch user";
  entry.mta_type = "dns";
  entry.mta_name = "mx.c.example";
  ASSERT_TRUE(queue::append_status(spool_, Folder::bounce, kId, {entry}, Durable::yes, true));
  EXPECT_EQ(SpoolFolder::content("bounce/9F850A78B12"),
            "\n<\"a b\"@c.example>: unknown user\n"
            "recipient=\"a b\"@c.example\n"
            "original_recipient=orig@c.example\n"
            "offset=491\n"
            "dsn_orig_rcpt=rfc822;orig@c.example\n"
            "notify_flags=4\n"
            "status=5.1.1\n"
            "action=failed\n"
            "diag_type=smtp\n"
            "diag_text=550 5.1.1 no?such user\n"
            "mta_type=dns\n"
            "mta_mname=mx.c.example\n"
            "reason=unknown user\n\n");
  EXPECT_EQ(SpoolFolder::mode("bounce/9F850A78B12"), 0600u);
}

TEST_F(StatusLog, WhatIsEmptyOrTheSameIsLeftOut) {
  StatusEntry entry = failed("");
  entry.offset = 0;
  entry.diagnostic_type = "smtp";
  ASSERT_TRUE(queue::append_status(spool_, Folder::defer, kId, {entry}, Durable::no, false));
  entry.recipient = "a@b";
  entry.original_recipient = "A@B";
  ASSERT_TRUE(queue::append_status(spool_, Folder::defer, kId, {entry}, Durable::no, false));
  EXPECT_EQ(SpoolFolder::content("defer/9/9F850A78B12"),
            "\nrecipient=<>\nstatus=5.1.1\naction=failed\nreason=unknown user\n\n"
            "\nrecipient=a@b\nstatus=5.1.1\naction=failed\nreason=unknown user\n\n");
}

TEST_F(StatusLog, ComesBackAsItWent) {
  StatusEntry entry = failed("a b@c.example");
  entry.original_recipient = "\"x\"@c.example";
  entry.notify = 14;
  entry.mta_type = "dns";
  entry.mta_name = "mx.c.example";
  for (const bool compatible : {false, true}) {
    ASSERT_TRUE(queue::append_status(spool_, Folder::bounce, kId, {entry, failed("")}, Durable::yes, compatible));
  }
  const auto entries = read();
  ASSERT_EQ(entries.size(), 4u);
  EXPECT_EQ(entries[0].recipient, "a b@c.example");
  EXPECT_EQ(entries[0].original_recipient, "\"x\"@c.example");
  EXPECT_EQ(entries[0].offset, 491);
  EXPECT_EQ(entries[0].notify, 14);
  EXPECT_EQ(entries[0].mta_name, "mx.c.example");
  EXPECT_EQ(entries[3].recipient, "");
  EXPECT_EQ(entries[3].reason, "unknown user");
}

TEST_F(StatusLog, OfAnotherMessageIsNoLog) {
  const auto entries = queue::read_status(spool_, Folder::trace, kId);
  ASSERT_TRUE(entries);
  EXPECT_FALSE(*entries);
}

TEST_F(StatusLog, ThatIsALinkIsAnError) {
  std::filesystem::create_symlink("/etc/passwd", "bounce/9F850A78B12");
  EXPECT_FALSE(queue::read_status(spool_, Folder::bounce, kId));
  EXPECT_FALSE(queue::append_status(spool_, Folder::bounce, kId, {failed("a@b")}, Durable::yes, true));
}

TEST(ParseStatus, TakesTheOldForm) {
  const auto entries = queue::parse_status("\n<a@b>: gone <away>: really\n\n", Folder::defer);
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].recipient, "a@b");
  EXPECT_EQ(entries[0].reason, "gone <away>: really");
  EXPECT_EQ(entries[0].status, "4.0.0");
  EXPECT_EQ(entries[0].action, "delayed");
}

TEST(ParseStatus, FillsInWhatIsMissing) {
  const auto entries = queue::parse_status("offset=5\nnonsense\nunknown=x", Folder::bounce);
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].recipient, "(recipient address unavailable)");
  EXPECT_EQ(entries[0].reason, "(description unavailable)");
  EXPECT_EQ(entries[0].status, "5.0.0");
  EXPECT_EQ(entries[0].action, "failed");
  EXPECT_EQ(entries[0].offset, 5);
}

TEST(ParseStatus, NumbersThatAreNoneAreNone) {
  const auto entries = queue::parse_status("recipient=a\noffset=-7\nnotify_flags=99999999999999", Folder::bounce);
  EXPECT_EQ(entries.at(0).offset, 0);
  EXPECT_EQ(entries.at(0).notify, 0);
}

TEST_F(StatusLog, AWriteThatFailsIsTakenBack) {
  ASSERT_TRUE(queue::append_status(spool_, Folder::bounce, kId, {failed("one@b")}, Durable::yes, true));
  const std::string before = SpoolFolder::content("bounce/9F850A78B12");
  for (const auto step : {queue::step::kStatusWrite, queue::step::kStatusSync}) {
    disk_.fail_at(step, ENOSPC);
    const auto result = queue::append_status(spool_, Folder::bounce, kId, {failed("two@b")}, Durable::yes, true);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().number, ENOSPC);
    EXPECT_EQ(SpoolFolder::content("bounce/9F850A78B12"), before);
  }
}

TEST_F(StatusLog, SurvivesAPowerCutOnceItWasDurable) {
  tests::ForgetfulDisk forgetful;
  Spool spool(SpoolSettings(), forgetful);
  ASSERT_TRUE(queue::append_status(spool, Folder::bounce, kId, {failed("one@b")}, Durable::yes, true));
  ASSERT_TRUE(queue::append_status(spool, Folder::defer, kId, {failed("one@b")}, Durable::no, true));
  forgetful.lose_power(tests::ForgetfulDisk::Loss::everything);
  EXPECT_EQ(read().size(), 1u);
}

TEST_F(StatusLog, DeferLogsAreNotSynced) {
  ASSERT_TRUE(queue::append_status(spool_, Folder::defer, kId, {failed("one@b")}, Durable::no, true));
  EXPECT_EQ(std::ranges::count(disk_.taken(), std::string(queue::step::kStatusSync)), 0);
}

TEST_F(StatusLog, WaitsForWhoeverWritesIt) {
  SpoolFolder::put("bounce/9F850A78B12", "", 0600);
  base::Fd other(::open("bounce/9F850A78B12", O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(*queue::try_lock(other.get(), queue::Lock::exclusive));
  std::thread writer(
      [&] { EXPECT_TRUE(queue::append_status(spool_, Folder::bounce, kId, {failed("one@b")}, Durable::no, true)); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(SpoolFolder::content("bounce/9F850A78B12"), "");
  // Meanwhile the holder removes it, as bounce(8) does when the notice is sent.
  std::filesystem::remove("bounce/9F850A78B12");
  other.reset();
  writer.join();
  EXPECT_EQ(read().size(), 1u);
}

TEST(Lock, IsNotWaitedForForEver) {
  const SpoolFolder folder;
  SpoolFolder::put("bounce/x", "");
  const base::Fd one(::open("bounce/x", O_RDWR | O_CLOEXEC));
  const base::Fd two(::open("bounce/x", O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(*queue::try_lock(one.get(), queue::Lock::shared));
  EXPECT_TRUE(*queue::try_lock(two.get(), queue::Lock::shared));
  EXPECT_FALSE(*queue::try_lock(two.get(), queue::Lock::exclusive));
  const auto late =
      queue::lock_until(two.get(), queue::Lock::exclusive, io::Deadline::after(std::chrono::milliseconds(5)));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().number, EAGAIN);
}

}  // namespace
