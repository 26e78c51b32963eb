#include "delivery/maildir.h"

#include <fmt/format.h>

#include "lib/delivery_world.h"
#include "lib/disks.h"
#include "logging/log.h"

namespace {

namespace fs = std::filesystem;
using delivery::MaildirTarget;
using tests::FailingDisk;
using tests::ForgetfulDisk;
using tests::SpoolFolder;
using tests::Then;

constexpr std::string_view kText = "Return-Path: <s@x>\n\nhello, this is the text of the message\n";

disk::Result<void> write_text(const delivery::TextSink& sink) {
  return sink(kText);
}

class Maildir : public testing::Test {
 protected:
  Maildir() { fs::create_directory("home"); }

  static std::vector<std::string> in(const std::string& folder) {
    std::vector<std::string> names;
    if (!fs::exists(folder)) return names;
    for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
    return names;
  }
  // The messages that a reader sees, tmp/ left out.
  static std::size_t messages() { return in("home/Maildir/new").size() + in("home/Maildir/cur").size(); }

  SpoolFolder folder_;
  MaildirTarget target_{.directory = "home/Maildir/", .name = "1795258988.M27007QABCR10.host"};
  logging::Capture log_;
};

TEST_F(Maildir, IsMadeOnDemand) {
  ASSERT_TRUE(delivery::deliver_to_maildir(disk::real(), target_, write_text));
  EXPECT_EQ(SpoolFolder::content("home/Maildir/new/" + target_.name), kText);
  EXPECT_EQ(SpoolFolder::mode("home/Maildir/new/" + target_.name), 0600u);
  for (const char* part : {"", "/tmp", "/new", "/cur"}) {
    EXPECT_EQ(SpoolFolder::mode(std::string("home/Maildir") + part), 0700u) << part;
  }
  EXPECT_TRUE(in("home/Maildir/tmp").empty());
}

TEST_F(Maildir, FoldersAboveItAreMadeToo) {
  target_.directory = "home/a/b/Maildir/";
  EXPECT_TRUE(delivery::deliver_to_maildir(disk::real(), target_, write_text));
  EXPECT_TRUE(fs::exists("home/a/b/Maildir/new/" + target_.name));
}

TEST_F(Maildir, MayLackItsNewFolder) {
  fs::create_directories("home/Maildir/tmp");
  EXPECT_TRUE(delivery::deliver_to_maildir(disk::real(), target_, write_text));
  EXPECT_EQ(messages(), 1u);
}

TEST_F(Maildir, TakesTheSameMessageOnce) {
  for (int attempt = 0; attempt < 3; ++attempt) {
    EXPECT_TRUE(delivery::deliver_to_maildir(disk::real(), target_, write_text));
  }
  EXPECT_EQ(messages(), 1u);
}

TEST_F(Maildir, KnowsTheMessageWhenItsReaderHasMovedIt) {
  ASSERT_TRUE(delivery::deliver_to_maildir(disk::real(), target_, write_text));
  for (const char* flags : {"", ":2,", ":2,RS"}) {
    fs::remove_all("home/Maildir/new");
    fs::remove_all("home/Maildir/cur");
    SpoolFolder::put("home/Maildir/cur/" + target_.name + flags, kText);
    EXPECT_TRUE(delivery::deliver_to_maildir(disk::real(), target_, write_text));
    EXPECT_EQ(messages(), 1u) << flags;
  }
}

TEST_F(Maildir, DoesNotTakeALongerNameForTheMessage) {
  ASSERT_TRUE(delivery::deliver_to_maildir(disk::real(), target_, write_text));
  fs::rename("home/Maildir/new/" + target_.name, "home/Maildir/cur/" + target_.name + "2:2,S");
  ASSERT_TRUE(delivery::deliver_to_maildir(disk::real(), target_, write_text));
  EXPECT_EQ(messages(), 2u);
}

TEST_F(Maildir, AFreshMessageNeedsNoLookAtWhatIsThere) {
  fs::create_directories("home/Maildir/cur");
  fs::permissions("home/Maildir/cur", fs::perms::none);
  target_.fresh = true;
  EXPECT_TRUE(delivery::deliver_to_maildir(disk::real(), target_, write_text));
  fs::permissions("home/Maildir/cur", fs::perms::owner_all);
}

TEST_F(Maildir, ALeftoverInTmpIsReplaced) {
  SpoolFolder::put("home/Maildir/tmp/" + target_.name, "half a mess");
  ASSERT_TRUE(delivery::deliver_to_maildir(disk::real(), target_, write_text));
  EXPECT_EQ(SpoolFolder::content("home/Maildir/new/" + target_.name), kText);
  EXPECT_TRUE(in("home/Maildir/tmp").empty());
}

TEST_F(Maildir, ALinkInTmpIsNotFollowed) {
  SpoolFolder::put("precious", "precious");
  fs::create_directories("home/Maildir/tmp");
  fs::create_symlink(fs::absolute("precious"), "home/Maildir/tmp/" + target_.name);
  ASSERT_TRUE(delivery::deliver_to_maildir(disk::real(), target_, write_text));
  EXPECT_EQ(SpoolFolder::content("precious"), "precious");
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status("home/Maildir/new/" + target_.name)));
}

TEST_F(Maildir, AMessageOverTheLimitIsTheOwnersAffair) {
  target_.size_limit = 20;
  const auto result = delivery::deliver_to_maildir(disk::real(), target_, write_text);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().number, EFBIG);
  EXPECT_TRUE(std::holds_alternative<delivery::Bounced>(delivery::failure(result.error(), "x")));
  EXPECT_TRUE(in("home/Maildir/tmp").empty());
}

TEST_F(Maildir, ADamagedMessageLeavesNothingBehind) {
  const auto write_some = [](const delivery::TextSink& sink) -> disk::Result<void> {
    (void)sink(kText);
    throw delivery::Corrupt{"test"};
  };
  EXPECT_THROW((void)delivery::deliver_to_maildir(disk::real(), target_, write_some), delivery::Corrupt);
  EXPECT_EQ(messages(), 0u);
  EXPECT_TRUE(in("home/Maildir/tmp").empty());
}

// How many steps a delivery takes, with folders to make or without.
std::size_t steps_of(const MaildirTarget& target) {
  const SpoolFolder folder;
  fs::create_directory("home");
  FailingDisk disk;
  EXPECT_TRUE(delivery::deliver_to_maildir(disk, target, write_text));
  return disk.taken().size();
}

TEST_F(Maildir, AnyStepMayFailAndTheNextAttemptDeliversOnce) {
  const auto steps = static_cast<int>(steps_of(target_));
  ASSERT_GE(steps, 10);
  for (const int number : {EIO, EDQUOT}) {
    for (int step = 1; step <= steps; ++step) {
      const SpoolFolder folder;
      fs::create_directory("home");
      FailingDisk disk;
      disk.fail_at(step, number);
      const auto first = delivery::deliver_to_maildir(disk, target_, write_text);
      EXPECT_TRUE(disk.failed());
      EXPECT_FALSE(first) << step;
      EXPECT_TRUE(in("home/Maildir/tmp").empty()) << step;
      ASSERT_TRUE(delivery::deliver_to_maildir(disk::real(), target_, write_text)) << step;
      EXPECT_EQ(messages(), 1u) << step;
      EXPECT_EQ(SpoolFolder::content("home/Maildir/new/" + target_.name), kText) << step;
    }
  }
}

TEST_F(Maildir, ACrashAtAnyStepLeavesOneMessageAfterTheNextAttempt) {
  const auto steps = static_cast<int>(steps_of(target_));
  for (int step = 1; step <= steps; ++step) {
    const SpoolFolder folder;
    fs::create_directory("home");
    FailingDisk disk;
    disk.fail_at(step, EIO, Then::dead);
    EXPECT_FALSE(delivery::deliver_to_maildir(disk, target_, write_text)) << step;
    ASSERT_TRUE(delivery::deliver_to_maildir(disk::real(), target_, write_text)) << step;
    EXPECT_EQ(messages(), 1u) << step;
    EXPECT_EQ(SpoolFolder::content("home/Maildir/new/" + target_.name), kText) << step;
    EXPECT_TRUE(in("home/Maildir/tmp").empty()) << step;
  }
}

TEST_F(Maildir, WhatIsSaidToBeDeliveredSurvivesAPowerCut) {
  using Loss = ForgetfulDisk::Loss;
  const auto steps = static_cast<int>(steps_of(target_));
  for (const Loss loss : {Loss::everything, Loss::contents}) {
    for (int step = 1; step <= steps + 1; ++step) {
      const SpoolFolder folder;
      fs::create_directory("home");
      ForgetfulDisk forgetful;
      FailingDisk disk(forgetful);
      disk.fail_at(step, EIO, Then::dead);
      const bool said = delivery::deliver_to_maildir(disk, target_, write_text).has_value();
      EXPECT_EQ(said, step == steps + 1);
      forgetful.lose_power(loss);
      if (!said) {
        ASSERT_TRUE(delivery::deliver_to_maildir(disk::real(), target_, write_text)) << step;
      }
      EXPECT_EQ(messages(), 1u) << step;
      EXPECT_EQ(SpoolFolder::content("home/Maildir/new/" + target_.name), kText) << step;
    }
  }
}

TEST_F(Maildir, OneFoundFromAnInterruptedAttemptIsMadeDurable) {
  fs::create_directories("home/Maildir/tmp");
  fs::create_directories("home/Maildir/new");
  fs::create_directories("home/Maildir/cur");
  ForgetfulDisk forgetful;
  FailingDisk disk(forgetful);
  disk.fail_at("maildir.sync_new", EIO, Then::dead);
  ASSERT_FALSE(delivery::deliver_to_maildir(disk, target_, write_text));
  ASSERT_TRUE(delivery::deliver_to_maildir(forgetful, target_, write_text));
  forgetful.lose_power(ForgetfulDisk::Loss::everything);
  EXPECT_EQ(messages(), 1u);
}

TEST(MaildirName, IsTheSameAtEachAttemptAndDiffersByRecipient) {
  delivery::Request request;
  request.queue_id = "4jWq1z2";
  request.times.arrival = 1'795'258'988'027'007;
  delivery::RequestRecipient recipient;
  recipient.offset = 256;
  EXPECT_EQ(delivery::maildir_name(request, recipient, "mx"), "1795258988.M27007Q4jWq1z2R100.mx");
  recipient.offset = 257;
  EXPECT_EQ(delivery::maildir_name(request, recipient, "mx"), "1795258988.M27007Q4jWq1z2R101.mx");
}

}  // namespace
