#include <fcntl.h>
#include <sys/file.h>

#include "spool_fixture.h"

namespace qmgr {
namespace {

using queue::Folder;
using Taken = Flow::Taken;

class Taking : public SpoolFixture {};

TEST_F(Taking, NewMailBecomesActive) {
  start();
  const auto id = write({});
  EXPECT_EQ(take(id), Taken::activated);
  EXPECT_TRUE(is_in(id, Folder::active));
  EXPECT_FALSE(is_in(id, Folder::incoming));
  EXPECT_TRUE(log.contains(id.text() + ": from=<s@sender.example>, size=12, nrcpt=1 (queue active)"));
  EXPECT_EQ(flow->scheduler().recipients(), 1U);
}

TEST_F(Taking, WhatIsGoneOrNotReadyOrOfTheFutureIsLeftAlone) {
  start();
  EXPECT_EQ(take(*queue::Id::parse("ABCDEF")), Taken::nothing);
  const auto unfinished = write({});
  ::chmod(path(unfinished, Folder::incoming).c_str(), 0600);
  EXPECT_EQ(take(unfinished), Taken::nothing);
  const auto later = write({});
  ASSERT_TRUE(::disk::real().set_times("", path(later, Folder::incoming), ::time(nullptr) + 100));
  EXPECT_EQ(take(later), Taken::nothing);
  EXPECT_EQ(flow->take_in({later, Folder::incoming, false, true}), Taken::activated) << "unless all mail is wanted";
}

TEST_F(Taking, DeferredMailWaitsForItsTime) {
  start();
  const auto id = write({}, Folder::deferred);
  ASSERT_TRUE(::disk::real().set_times("", path(id, Folder::deferred), ::time(nullptr) + 100));
  EXPECT_EQ(take(id, Folder::deferred), Taken::nothing);
  ASSERT_TRUE(::disk::real().set_times("", path(id, Folder::deferred), ::time(nullptr) - 1));
  EXPECT_EQ(take(id, Folder::deferred), Taken::activated);
  EXPECT_TRUE(is_in(id, Folder::active));
}

TEST_F(Taking, ALockedFileIsPostponedByAMinute) {
  start();
  const auto id = write({});
  const base::Fd agent(::open(path(id, Folder::incoming).c_str(), O_RDWR));
  ASSERT_EQ(::flock(agent.get(), LOCK_SH), 0);
  EXPECT_EQ(take(id), Taken::postponed);
  EXPECT_TRUE(log.contains(id.text() + ": skipped, still being delivered"));
  EXPECT_NEAR(static_cast<double>(time_of(id, Folder::incoming)), static_cast<double>(::time(nullptr) + 60), 2);
}

TEST_F(Taking, AScanThatMeetsCleanupAtWorkHoldsUpNothing) {
  start();
  const auto id = write({});
  {
    const base::Fd cleanup(::open(path(id, Folder::incoming).c_str(), O_RDWR));
    ASSERT_EQ(::flock(cleanup.get(), LOCK_EX), 0);
    EXPECT_EQ(take(id), Taken::postponed);
  }
  EXPECT_EQ(flow->take_in({id, Folder::incoming, true}), Taken::activated) << "when cleanup tells of it";
}

TEST_F(Taking, AFileWithoutSenseGoesToCorruptAndMailBesideItIsTaken) {
  start();
  const auto bad = write({});
  ASSERT_EQ(::truncate(path(bad, Folder::incoming).c_str(), 150), 0);
  const auto marked = write({});
  ::chmod(path(marked, Folder::incoming).c_str(), 0400);
  const auto good = write({});
  EXPECT_EQ(take(bad), Taken::corrupt);
  EXPECT_EQ(take(marked), Taken::corrupt);
  EXPECT_EQ(take(good), Taken::activated);
  EXPECT_TRUE(is_in(bad, Folder::corrupt));
  EXPECT_TRUE(is_in(marked, Folder::corrupt));
  EXPECT_TRUE(log.contains("saving corrupt file \"" + bad.text() + "\" from queue \"incoming\" to queue \"corrupt\""));
}

TEST_F(Taking, EveryTruncationOfAFileIsSurvived) {
  start();
  for (off_t size = 0; size < 400; size += 3) {
    const auto id = write({});
    struct stat status{};
    ASSERT_EQ(::stat(path(id, Folder::incoming).c_str(), &status), 0);
    if (size >= status.st_size) break;
    ASSERT_EQ(::truncate(path(id, Folder::incoming).c_str(), size), 0);
    EXPECT_EQ(take(id), Taken::corrupt) << size;
  }
  EXPECT_EQ(flow->active(), 0U);
}

TEST_F(Taking, MailThatIsDeferredAtOnceNeverLeavesTheDeferredQueue) {
  start("defer_transports = smtp\n");
  const auto id = write({.age = 1000}, Folder::deferred);
  disk.steps.clear();
  EXPECT_EQ(take(id, Folder::deferred), Taken::settled);
  EXPECT_TRUE(is_in(id, Folder::deferred));
  EXPECT_EQ(reason(id), "4.3.2 deferred transport");
  EXPECT_TRUE(log.contains("(queue active)"));
  EXPECT_TRUE(log.contains("to=<u@x.example>, relay=none"));
  EXPECT_TRUE(log.contains("dsn=4.3.2, status=deferred (deferred transport)"));
  EXPECT_NEAR(static_cast<double>(time_of(id, Folder::deferred)), static_cast<double>(::time(nullptr) + 1000), 2);
  EXPECT_EQ(std::ranges::count(disk.steps, "qmgr.activate"), 0);
  EXPECT_EQ(flow->active(), 0U);
}

TEST_F(Taking, TheLogOfTheLastAttemptIsReplaced) {
  start("defer_transports = smtp\n");
  const auto id = write({}, Folder::deferred);
  take(id, Folder::deferred);
  flow->take_in({id, Folder::deferred, false, true});
  const auto entries = queue::read_status(spool, Folder::defer, id);
  ASSERT_TRUE(entries && *entries);
  EXPECT_EQ((*entries)->size(), 1U);
}

TEST_F(Taking, NewMailThatIsDeferredAtOnceGoesStraightToDeferred) {
  start("defer_transports = smtp\n");
  const auto id = write({.recipients = {"u@x.example", "v@y.example", "w@broken.example"}});
  EXPECT_EQ(take(id), Taken::settled);
  EXPECT_TRUE(is_in(id, Folder::deferred));
  EXPECT_EQ((*queue::read_status(spool, Folder::defer, id))->size(), 3U);
}

TEST_F(Taking, AFlushDeliversOverDeferTransports) {
  start("defer_transports = smtp\n");
  const auto id = write({}, Folder::deferred);
  EXPECT_EQ(flow->take_in({id, Folder::deferred, false, true, true}), Taken::activated);
}

TEST_F(Taking, TheUnthrottleBitIsTakenOffAndHeeded) {
  start("defer_transports = smtp\n");
  const auto id = write({});
  ::chmod(path(id, Folder::incoming).c_str(), 0740);
  EXPECT_EQ(take(id), Taken::activated);
  struct stat status{};
  ASSERT_EQ(::stat(path(id, Folder::active).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
}

TEST_F(Taking, SomeRecipientsDecidedHereDoNotHoldUpTheOthers) {
  start();
  const auto id = write({.recipients = {"u@bad.example", "v@x.example", "double-bounce@here.example"}});
  EXPECT_EQ(take(id), Taken::activated);
  EXPECT_EQ(flow->scheduler().recipients(), 1U);
  EXPECT_EQ(reason(id, Folder::bounce), "5.1.3 bad address syntax");
  EXPECT_TRUE(log.contains("status=bounced (bad address syntax)"));
  EXPECT_TRUE(log.contains("status=sent (undeliverable postmaster notification discarded)"));
}

TEST_F(Taking, MailWhoseRecipientsAreAllDoneIsRemoved) {
  start();
  const auto id = write({.recipients = {"double-bounce@here.example"}});
  EXPECT_EQ(take(id), Taken::activated);
  EXPECT_FALSE(is_in(id, Folder::active));
  EXPECT_TRUE(log.contains(id.text() + ": removed"));
  EXPECT_EQ(flow->active(), 0U);
}

TEST_F(Taking, ARedirectGetsOneCopy) {
  start();
  std::string redirect;
  queue::append_record(redirect, queue::RecordType::redirect, "r@x.example");
  const auto id = write({.recipients = {"a@x.example", "b@y.example", "c@z.example"}, .more = redirect});
  EXPECT_EQ(take(id), Taken::activated);
  EXPECT_EQ(flow->scheduler().recipients(), 1U);
  EXPECT_NE(flow->scheduler().find_destination("smtp", "x.example"), nullptr);
}

TEST_F(Taking, ProbesAskTheRoutesOfVerificationAndAreLimited) {
  start("address_verify_pending_request_limit = 1\nqmgr_message_active_limit = 100\n");
  std::string probe;
  queue::append_record(probe, queue::RecordType::attribute, "trace_flags=256");
  const auto first = write({.sender = "", .more = probe});
  const auto second = write({.sender = "", .more = probe});
  EXPECT_EQ(take(first), Taken::activated);
  EXPECT_NE(flow->scheduler().find_destination("verifying", "x.example"), nullptr);
  EXPECT_EQ(take(second), Taken::activated);
  EXPECT_TRUE(log.contains("Too many address verification requests"));
}

TEST_F(Taking, ManyRecipientsAreReadInPortions) {
  start("qmgr_message_active_limit = 1\nqmgr_message_recipient_limit = 20\n");
  Mail mail;
  mail.recipients.clear();
  for (int i = 0; i < 100; ++i) mail.recipients.push_back(fmt::format("u{}@x.example", i));
  const auto id = write(mail);
  EXPECT_EQ(take(id), Taken::activated);
  EXPECT_EQ(flow->scheduler().recipients(), 20U);
}

TEST_F(Taking, AFullDiskLeavesMailWhereItIs) {
  start();
  const auto id = write({});
  disk.errors["qmgr.activate"] = ENOSPC;
  EXPECT_EQ(take(id), Taken::trouble);
  EXPECT_TRUE(is_in(id, Folder::incoming));
  EXPECT_EQ(flow->active(), 0U);
  disk.errors.clear();
  EXPECT_EQ(take(id), Taken::activated);
}

TEST_F(Taking, NoStepThatFailsLosesAMessage) {
  for (const char* step : {"qmgr.activate", "qmgr.postpone", "qmgr.unthrottle", "qmgr.forget", "qmgr.defer",
                           "qmgr.remove", "queue.status.open", "queue.status.write", "queue.mark.done"}) {
    for (const char* domain : {"x.example", "later.example", "bad.example", "broken.example"}) {
      flow.reset();
      disk.errors.clear();
      start("defer_transports = later\n");
      const auto id = write({.recipients = {std::string("u@") + domain}}, Folder::deferred);
      ::chmod(path(id, Folder::deferred).c_str(), 0740);
      disk.errors[step] = EIO;
      take(id, Folder::deferred);
      EXPECT_TRUE(is_in(id, Folder::active) || is_in(id, Folder::deferred)) << step << " " << domain;
    }
  }
}

TEST_F(Taking, AFileOfAnotherOwnerKindIsNoMessage) {
  start();
  std::filesystem::create_directory("incoming/ABCDE1234");
  EXPECT_NE(take(*queue::Id::parse("ABCDE1234")), Taken::activated);
  std::filesystem::create_symlink("/etc/passwd", "incoming/ABCDE1235");
  EXPECT_EQ(take(*queue::Id::parse("ABCDE1235")), Taken::nothing);
}

class Feeding : public SpoolFixture {};

TEST_F(Feeding, NewAndDeferredMailTakeTurns) {
  Feed feed(spool);
  for (int i = 0; i < 3; ++i) {
    write({}, Folder::incoming);
    write({}, Folder::deferred);
  }
  feed.scan_incoming({});
  feed.scan_deferred({});
  std::string order;
  while (const auto candidate = feed.next()) order += candidate->folder == Folder::incoming ? 'i' : 'd';
  EXPECT_TRUE(order ==
                  "didid"
                  "i" ||
              order == "ididid")
      << order;
  EXPECT_TRUE(feed.empty());
}

TEST_F(Feeding, AnnouncedMailNeedsNoScan) {
  Feed feed(spool);
  feed.announce(*queue::Id::parse("ABCDEF"));
  const auto candidate = feed.next();
  ASSERT_TRUE(candidate);
  EXPECT_TRUE(candidate->announced);
  EXPECT_EQ(candidate->id.text(), "ABCDEF");
  EXPECT_TRUE(feed.empty());
}

TEST_F(Feeding, AScanThatIsAskedForMeanwhileFollows) {
  Feed feed(spool);
  write({}, Folder::deferred);
  feed.scan_deferred({});
  auto candidate = feed.next();
  ASSERT_TRUE(candidate);
  EXPECT_FALSE(candidate->ignore_times);
  feed.scan_deferred({.ignore_times = true, .flush = true});
  candidate = feed.next();
  if (!candidate) candidate = feed.next();
  ASSERT_TRUE(candidate);
  EXPECT_TRUE(candidate->ignore_times);
  EXPECT_TRUE(candidate->flush);
}

TEST_F(Feeding, TooManyAnnouncementsBecomeAScan) {
  Feed feed(spool);
  const auto id = write({});
  for (int i = 0; i < 20'000; ++i) feed.announce(*queue::Id::parse("ABCDEF"));
  int announced = 0;
  std::optional<Candidate> last;
  while (auto candidate = feed.next()) {
    announced += candidate->announced ? 1 : 0;
    last = candidate;
  }
  EXPECT_EQ(announced, 10'000);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->id, id);
}

}  // namespace
}  // namespace qmgr
