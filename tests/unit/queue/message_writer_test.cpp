#include "queue/message_writer.h"

#include <algorithm>
#include <functional>

#include "lib/disks.h"
#include "lib/message_text.h"
#include "lib/spool_folder.h"
#include "logging/log.h"
#include "queue/message.h"
#include "queue/steps.h"

namespace {

using queue::Folder;
using queue::MessageWriter;
using queue::RecordType;
using queue::Spool;
using queue::SpoolSettings;
using tests::FailingDisk;
using tests::ForgetfulDisk;
using tests::SpoolFolder;
using tests::Then;

const std::string kText = tests::MessageText().text();

// A message of before, in spare/: longer than the new one, and complete.
const std::string kOld = kText + kText;

// What cleanup does: the size record first, as zeros, and put in at the end. The id, or nothing.
enum class Over { nothing, spare };
std::optional<queue::Id> write_message(const Spool& spool, Folder destination = Folder::incoming,
                                       Over over = Over::nothing) {
  auto writer = over == Over::spare ? MessageWriter::create_over(spool, Folder::incoming, "old")
                                    : MessageWriter::create(spool, Folder::incoming);
  if (!writer) return std::nullopt;
  constexpr std::size_t kSizeRecord = 97;
  (void)writer->append(RecordType::size, queue::Sizes().text());
  (void)writer->append_encoded(std::string_view(kText).substr(kSizeRecord));
  if (over == Over::nothing) (void)writer->show();
  (void)writer->overwrite(0, std::string_view(kText).substr(0, kSizeRecord));
  if (!writer->commit(destination)) return std::nullopt;
  return writer->id();
}

class Writer : public testing::Test {
 protected:
  SpoolFolder folder_;
  Spool spool_{SpoolSettings()};
};

// A file system on another machine, whose clock is not ours.
class DistantDisk final : public FailingDisk {
 public:
  explicit DistantDisk(std::time_t ahead) : ahead_(ahead) {}
  disk::Result<void> write_at(disk::Step step, int fd, std::string_view content, off_t offset) override {
    return at_its_time(fd, FailingDisk::write_at(step, fd, content, offset));
  }
  disk::Result<void> write(disk::Step step, int fd, std::string_view content) override {
    return at_its_time(fd, FailingDisk::write(step, fd, content));
  }

 private:
  disk::Result<void> at_its_time(int fd, disk::Result<void> done) {
    EXPECT_TRUE(disk::real().set_times("", fd, ::time(nullptr) + ahead_));
    return done;
  }
  std::time_t ahead_;
};

TEST_F(Writer, AFileSystemWhoseClockIsAheadHoldsUpNoMail) {
  DistantDisk disk(3600);
  logging::Capture log;
  const Spool spool{SpoolSettings(), disk};
  for (int i = 0; i < 2; ++i) {
    const auto id = write_message(spool);
    ASSERT_TRUE(id);
    struct stat status{};
    ASSERT_EQ(::lstat(("incoming/" + id->text()).c_str(), &status), 0);
    EXPECT_LE(status.st_mtime, ::time(nullptr) + 1);
  }
  EXPECT_TRUE(log.contains("file system clock is 3600 seconds ahead of local clock"));
  EXPECT_EQ(log.events().size(), 1U) << "told once";
}

TEST_F(Writer, AFileSystemWhoseClockIsBehindIsTold) {
  DistantDisk disk(-3600);
  logging::Capture log;
  const Spool spool{SpoolSettings(), disk};
  ASSERT_TRUE(write_message(spool));
  EXPECT_TRUE(log.contains("file system clock is 3600 seconds behind local clock"));
}

TEST_F(Writer, NamesTheFileByItsInode) {
  const auto id = write_message(spool_);
  ASSERT_TRUE(id);
  struct stat status{};
  ASSERT_EQ(::lstat(("incoming/" + id->text()).c_str(), &status), 0);
  EXPECT_EQ(id->inode(), status.st_ino);
  EXPECT_EQ(status.st_mode & 07777, 0700u);
  EXPECT_EQ(SpoolFolder::content("incoming/" + id->text()), kText);
}

TEST_F(Writer, CanGiveLongIds) {
  SpoolSettings settings;
  settings.long_ids = true;
  settings.hashed[static_cast<std::size_t>(Folder::incoming)] = true;
  const Spool spool(settings);
  const auto id = write_message(spool);
  ASSERT_TRUE(id);
  EXPECT_TRUE(id->is_long());
  EXPECT_EQ(SpoolFolder::content(spool.path(Folder::incoming, *id)), kText);
}

TEST_F(Writer, NobodyLooksAtAFileThatIsNotCommitted) {
  auto writer = MessageWriter::create(spool_, Folder::incoming);
  ASSERT_TRUE(writer);
  EXPECT_EQ(SpoolFolder::mode("incoming/" + writer->id().text()), 0600u);
}

TEST_F(Writer, WithoutCommitTheFileIsRemoved) {
  {
    ASSERT_TRUE(MessageWriter::create(spool_, Folder::incoming));
  }
  EXPECT_TRUE(SpoolFolder::files().empty());
}

TEST_F(Writer, PutsAMessageOnHoldWithoutAnybodySeeingItBefore) {
  FailingDisk disk;
  const auto id = write_message(Spool(SpoolSettings(), disk), Folder::hold);
  ASSERT_TRUE(id);
  EXPECT_EQ(SpoolFolder::files(), (std::set<std::string>{"hold/" + id->text()}));
  const auto& taken = disk.taken();
  const auto moved = std::ranges::find(taken, queue::step::kCommitMove);
  const auto ready = std::ranges::find(taken, queue::step::kCommitMode);
  EXPECT_LT(moved, ready);
}

TEST_F(Writer, MaildropFilesAreReadableByAll) {
  auto writer = MessageWriter::create(spool_, Folder::maildrop, MessageWriter::kMaildropModes);
  ASSERT_TRUE(writer);
  const std::string path = "maildrop/" + writer->id().text();
  EXPECT_EQ(SpoolFolder::mode(path), 0644u);
  ASSERT_TRUE(writer->commit());
  EXPECT_EQ(SpoolFolder::mode(path), 0744u);
}

TEST_F(Writer, RemovesLogsThatAnotherMessageOfThisNameHadLeft) {
  FailingDisk disk;
  const Spool spool(SpoolSettings(), disk);
  ASSERT_TRUE(MessageWriter::create(spool, Folder::incoming));
  EXPECT_EQ(std::ranges::count(disk.taken(), std::string(queue::step::kCreateStale)), 3);
  disk.fail_at(queue::step::kCreateStale, EACCES);
  EXPECT_FALSE(MessageWriter::create(spool, Folder::incoming)) << "with the log of another message";
  EXPECT_TRUE(SpoolFolder::files().empty());
}

TEST_F(Writer, LargeMessagesAreWrittenAsTheyGrow) {
  auto writer = MessageWriter::create(spool_, Folder::incoming);
  ASSERT_TRUE(writer);
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    const std::string line(static_cast<std::size_t>(i), 'x');
    queue::append_record(expected, RecordType::text, line);
    ASSERT_TRUE(writer->append(RecordType::text, line));
    EXPECT_EQ(writer->size(), static_cast<std::int64_t>(expected.size()));
  }
  EXPECT_GT(SpoolFolder::content("incoming/" + writer->id().text()).size(), 400000u);
  const queue::Id id = writer->id();
  ASSERT_TRUE(writer->commit());
  EXPECT_EQ(SpoolFolder::content("incoming/" + id.text()), expected);
}

TEST_F(Writer, OverwritesWhatIsInTheFileInTheBufferAndInBoth) {
  for (const std::int64_t offset : {0, 30000, 59990}) {
    auto writer = MessageWriter::create(spool_, Folder::incoming);
    ASSERT_TRUE(writer);
    ASSERT_TRUE(writer->append_encoded(std::string(30010, 'a')));
    if (offset != 0) {
      ASSERT_TRUE(writer->show());
    }
    ASSERT_TRUE(writer->append_encoded(std::string(29990, 'b')));
    ASSERT_TRUE(writer->overwrite(offset, "0123456789"));
    const queue::Id id = writer->id();
    ASSERT_TRUE(writer->commit());
    std::string expected = std::string(30010, 'a') + std::string(29990, 'b');
    expected.replace(static_cast<std::size_t>(offset), 10, "0123456789");
    EXPECT_EQ(SpoolFolder::content("incoming/" + id.text()), expected) << offset;
  }
}

TEST_F(Writer, OverwritingWhatIsNotThereIsAnError) {
  auto writer = MessageWriter::create(spool_, Folder::incoming);
  ASSERT_TRUE(writer->append(RecordType::text, "x"));
  EXPECT_FALSE(writer->overwrite(2, "xx"));
  EXPECT_FALSE(writer->commit());
  EXPECT_TRUE(SpoolFolder::files().empty());
}

TEST_F(Writer, GivesUpAtOnceWhereNothingCanBeCreated) {
  std::filesystem::remove("incoming");
  const auto writer = MessageWriter::create(spool_, Folder::incoming);
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().number, ENOENT);
}

TEST_F(Writer, GivesUpAfterAFewNamesThatExist) {
  FailingDisk disk;
  disk.fail_at(queue::step::kCreate, EEXIST);
  EXPECT_FALSE(MessageWriter::create(Spool(SpoolSettings(), disk), Folder::incoming));
  EXPECT_EQ(disk.taken().size(), 20u);
}

// --- over spare files

class OverSpare : public Writer {
 protected:
  // A message of this text, written over `old`; its content when it is there.
  std::string written_over(std::string_view old, mode_t mode, std::string_view text) {
    SpoolFolder::put("spare/old", old, mode);
    auto writer = MessageWriter::create_over(spool_, Folder::incoming, "old");
    if (!writer || !writer->append_encoded(text)) return "error";
    const std::string path = "incoming/" + writer->id().text();
    struct stat status{};
    (void)::lstat("spare/old", &status);
    EXPECT_EQ(writer->id().inode(), status.st_ino);
    EXPECT_FALSE(std::filesystem::exists(path)) << "before it is whole";
    if (!writer->commit()) return "error";
    EXPECT_EQ(SpoolFolder::files(), std::set<std::string>{path});
    EXPECT_EQ(SpoolFolder::mode(path), 0700u);
    std::string content = SpoolFolder::content(path);
    std::filesystem::remove(path);
    return content;
  }
};

TEST_F(OverSpare, NothingIsLeftOfTheOldMessage) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{5000}, std::size_t{100000}}) {
    const std::string text(size, 'n');
    EXPECT_EQ(written_over(std::string(9000, 'o'), 0700, text), text);
    EXPECT_EQ(written_over("o", 0750, text), text);
    EXPECT_EQ(written_over("", 0600, text), text);
  }
}

TEST_F(OverSpare, WhatOthersMayReadBeforeIsTheNewMessageOnly) {
  SpoolFolder::put("spare/old", kOld);
  auto writer = MessageWriter::create_over(spool_, Folder::incoming, "old");
  ASSERT_TRUE(writer->append_encoded("new"));
  ASSERT_TRUE(writer->show());
  const std::string path = "incoming/" + writer->id().text();
  EXPECT_EQ(SpoolFolder::content(path), "new");
  EXPECT_EQ(SpoolFolder::mode(path), 0600u);
  ASSERT_TRUE(writer->append_encoded(" and newer"));
  ASSERT_TRUE(writer->commit());
  EXPECT_EQ(SpoolFolder::content(path), "new and newer");
  EXPECT_EQ(SpoolFolder::mode(path), 0700u);
}

TEST_F(OverSpare, WhatIsNotCommittedIsGone) {
  for (const bool shown : {false, true}) {
    SpoolFolder::put("spare/old", kOld);
    {
      auto writer = MessageWriter::create_over(spool_, Folder::incoming, "old");
      (void)writer->append_encoded("new");
      if (shown) (void)writer->show();
    }
    EXPECT_TRUE(SpoolFolder::files().empty());
  }
}

// --- each step fails once, then a power cut at each step

struct Way {
  Folder destination;
  bool hashed;
  Over over = Over::nothing;
};

class EachStep : public testing::TestWithParam<Way> {
 protected:
  logging::Capture log_;  // of files that could not be removed

  Spool spool(disk::Disk& disk) const {
    SpoolSettings settings;
    settings.hashed[static_cast<std::size_t>(Folder::incoming)] = GetParam().hashed;
    settings.hashed[static_cast<std::size_t>(Folder::hold)] = GetParam().hashed;
    return Spool(settings, disk);
  }
  std::optional<queue::Id> write(disk::Disk& disk) const {
    return write_message(spool(disk), GetParam().destination, GetParam().over);
  }
  static void prepare() {
    if (GetParam().over == Over::spare) SpoolFolder::put("spare/old", kOld);
  }
  static bool is_spare(const std::string& path) { return path.starts_with("spare/"); }

  // The messages that somebody would take: ready, and whole.
  static int messages() {
    int count = 0;
    for (const std::string& path : SpoolFolder::files()) {
      if (is_spare(path)) continue;
      const std::string content = SpoolFolder::content(path);
      EXPECT_NE(content, kOld) << path << ": an old message under a new name";
      if (queue::mode::is_ready(SpoolFolder::mode(path)) && content == kText) ++count;
    }
    return count;
  }
};

TEST_P(EachStep, ThatFailsLeavesNoMessageAndNoFile) {
  int failures = 0;
  for (int step = 1;; ++step) {
    const SpoolFolder folder;
    prepare();
    FailingDisk disk;
    disk.fail_at(step, ENOSPC);
    const auto id = write(disk);
    if (!disk.failed()) {
      EXPECT_TRUE(id);
      break;
    }
    ++failures;
    const std::string& name = disk.taken()[static_cast<std::size_t>(step) - 1];
    EXPECT_FALSE(id) << name << " failed, and nobody noticed";
    // A spare file is still one when nothing was written to it.
    for (const std::string& path : SpoolFolder::files()) {
      EXPECT_TRUE(is_spare(path) && SpoolFolder::content(path) == kOld) << name << " left " << path;
    }
  }
  EXPECT_GE(failures, GetParam().over == Over::spare ? 8 : 10);
}

TEST_P(EachStep, AtWhichTheProcessDiesLeavesAtMostAWholeMessage) {
  for (int step = 1;; ++step) {
    const SpoolFolder folder;
    prepare();
    FailingDisk disk;
    disk.fail_at(step, EIO, Then::dead);
    const auto id = write(disk);
    if (!disk.failed()) break;
    EXPECT_FALSE(id);
    // A file that has no more than its first name or the mode "writing" is nobody's; there is at most one of either.
    EXPECT_LE(SpoolFolder::files().size(), 1u);
    for (const std::string& path : SpoolFolder::files()) {
      if (is_spare(path)) continue;
      const bool ready = queue::mode::is_ready(SpoolFolder::mode(path));
      EXPECT_TRUE(!ready || SpoolFolder::content(path) == kText) << step;
    }
  }
}

TEST_P(EachStep, BeforeAPowerCutLosesNothingThatWasAcknowledged) {
  for (const auto loss : {ForgetfulDisk::Loss::everything, ForgetfulDisk::Loss::contents}) {
    for (int step = 1;; ++step) {
      const SpoolFolder folder;
      prepare();
      ForgetfulDisk forgetful;
      FailingDisk disk(forgetful);
      disk.fail_at(step, EIO, Then::dead);
      const auto id = write(disk);
      forgetful.lose_power(loss);
      EXPECT_TRUE(!id || messages() == 1) << step;
      if (!disk.failed()) break;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Queues, EachStep,
                         testing::Values(Way{Folder::incoming, false}, Way{Folder::incoming, true},
                                         Way{Folder::hold, false}, Way{Folder::hold, true},
                                         Way{Folder::incoming, false, Over::spare},
                                         Way{Folder::incoming, true, Over::spare},
                                         Way{Folder::hold, false, Over::spare}));

TEST_F(Writer, StepsThatItTakesAreInTheTable) {
  FailingDisk disk;
  SpoolSettings settings;
  settings.hashed.fill(true);
  ASSERT_TRUE(write_message(Spool(settings, disk), Folder::hold));
  SpoolFolder::put("spare/old", kOld);
  ASSERT_TRUE(write_message(Spool(settings, disk), Folder::hold, Over::spare));
  for (const std::string& step : disk.taken()) {
    EXPECT_NE(std::ranges::find(queue::step::kAll, step), queue::step::kAll.end()) << step;
  }
}

}  // namespace
