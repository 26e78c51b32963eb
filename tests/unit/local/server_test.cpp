#include "local/server.h"

#include <pwd.h>

#include "lib/delivery_world.h"
#include "lib/disks.h"
#include "logging/log.h"

namespace {

using tests::DeliveryWorld;
using tests::FailingDisk;
using tests::record;
using tests::SpoolFolder;
using tests::Then;

const std::string& me() {
  static const std::string name = [] {
    const struct passwd* const entry = ::getpwuid(::geteuid());
    return std::string(entry != nullptr ? entry->pw_name : "root");
  }();
  return name;
}

// Delivers to whoever runs the test, into a spool directory of its own.
class Local : public testing::Test {
 protected:
  explicit Local(std::vector<std::string> content = {record('N', "Subject: x"), record('N'), record('N', "text")})
      : world_({me() + "@b.example"}, std::move(content)) {
    std::filesystem::create_directory("mail");
    std::filesystem::permissions("mail", std::filesystem::perms::all);
  }

  delivery::Report deliver(const std::string& settings = "", disk::Disk& disk = disk::real()) {
    const config::Config config = tests::config_of(
        "hash_queue_names = corrupt\nalias_maps =\nforward_path =\nbiff = no\ndeliver_lock_attempts = 1\n" +
        std::string("mail_spool_directory = mail") + (maildir_ ? "/" : "") + "\n" + settings);
    const service::Context context{.config = config, .program = "local", .service_name = "local", .arguments = {}};
    return local::Server(context, disk).answer(world_.request);
  }
  std::string mailbox() const {
    if (!maildir_) return SpoolFolder::content("mail/" + me());
    std::string all;
    for (const char* part : {"/new", "/cur"}) {
      if (!std::filesystem::exists("mail/" + me() + part)) continue;
      for (const auto& file : std::filesystem::directory_iterator("mail/" + me() + part)) {
        all += SpoolFolder::content(file.path().string());
      }
    }
    return all;
  }
  std::string text(const std::string& delivered_to) const {
    return "Return-Path: <sender@a.example>\nDelivered-To: " + delivered_to + "\nSubject: x\n\ntext\n";
  }

  DeliveryWorld world_;
  bool maildir_ = true;
  logging::Capture log_;
};

TEST_F(Local, PutsMailIntoTheMaildir) {
  EXPECT_FALSE(deliver().some_deferred);
  EXPECT_EQ(mailbox(), text(me() + "@b.example"));
  EXPECT_EQ(world_.mark(), 'D');
  EXPECT_TRUE(log_.contains("relay=local")) << "no log line";
  EXPECT_TRUE(log_.contains("dsn=2.0.0, status=sent (delivered to maildir)"));
}

TEST_F(Local, PutsMailIntoTheMbox) {
  maildir_ = false;
  EXPECT_FALSE(deliver().some_deferred);
  EXPECT_TRUE(mailbox().starts_with("From sender@a.example  "));
  EXPECT_TRUE(mailbox().ends_with(text(me() + "@b.example") + "\n"));
  EXPECT_TRUE(log_.contains("status=sent (delivered to mailbox)"));
}

TEST_F(Local, NothingIsMarkedBeforeTheMailboxIsDurable) {
  FailingDisk disk;
  ASSERT_FALSE(deliver("", disk).some_deferred);
  const auto& steps = disk.taken();
  const auto mark = std::ranges::find(steps, "queue.mark.done");
  const auto sync = std::ranges::find(steps, "maildir.sync_new");
  ASSERT_NE(mark, steps.end());
  EXPECT_LT(sync, mark);
  EXPECT_EQ(mark + 1, steps.end());
}

TEST_F(Local, ACrashAtAnyStepLeavesOneMessageInTheMaildir) {
  FailingDisk counting;
  ASSERT_FALSE(deliver("", counting).some_deferred);
  const auto steps = static_cast<int>(counting.taken().size());
  const std::string once = mailbox();
  for (int step = 1; step <= steps; ++step) {
    std::filesystem::remove_all("mail/" + me());
    FailingDisk disk;
    disk.fail_at(step, EIO, Then::dead);
    EXPECT_TRUE(deliver("", disk).some_deferred) << step;
    EXPECT_FALSE(deliver().some_deferred) << step;
    EXPECT_EQ(mailbox(), once) << step;
  }
}

TEST_F(Local, ADamagedMessageGoesNowhere) {
  std::string content = SpoolFolder::content(DeliveryWorld::path());
  content.resize(content.size() - 4);
  DeliveryWorld::put(content);
  EXPECT_TRUE(deliver().corrupt);
  EXPECT_EQ(mailbox(), "");
  EXPECT_EQ(SpoolFolder::mode(DeliveryWorld::path()), 0400u);
}

TEST_F(Local, AQuotaBounces) {
  FailingDisk disk;
  disk.fail_at("maildir.write", EDQUOT);
  EXPECT_FALSE(deliver("", disk).some_deferred);
  EXPECT_TRUE(log_.contains("dsn=5.2.2, status=bounced (maildir delivery failed: write maildir file"));
}

TEST_F(Local, AFailedSyncDefers) {
  for (const bool maildir : {true, false}) {
    maildir_ = maildir;
    std::filesystem::remove_all("mail/" + me());
    FailingDisk disk;
    disk.fail_at(maildir ? "maildir.sync" : "mbox.sync", EIO);
    EXPECT_TRUE(deliver("", disk).some_deferred);
    EXPECT_TRUE(log_.contains("dsn=4.3.0, status=deferred"));
    EXPECT_EQ(mailbox(), "");
  }
}

TEST_F(Local, AskedOnlyItDeliversNothing) {
  world_.request.trace_flags = queue::trace::kUserVerify;
  EXPECT_FALSE(deliver().some_deferred);
  EXPECT_FALSE(std::filesystem::exists("mail/" + me()));
  EXPECT_TRUE(log_.contains("status=deliverable (delivers to maildir)"));
}

TEST_F(Local, AnAliasWaits) {
  EXPECT_TRUE(deliver("alias_maps = inline:{" + me() + "=x@y.example}\n").some_deferred);
  EXPECT_EQ(world_.mark(), 'R');
  EXPECT_EQ(mailbox(), "");
}

TEST_F(Local, AMailboxLimitBelowTheMessageLimitIsAMistake) {
  EXPECT_THROW(deliver("mailbox_size_limit = 1000\n"), config::BadValue);
  EXPECT_NO_THROW(deliver("mailbox_size_limit = 0\n"));
}

class LocalLoop : public Local {
 protected:
  LocalLoop() : Local({record('N', "delivered-to: " + me() + "@B.example"), record('N'), record('N', "text")}) {}
};

TEST_F(LocalLoop, Bounces) {
  EXPECT_FALSE(deliver().some_deferred);
  EXPECT_TRUE(log_.contains("dsn=5.4.6, status=bounced (mail forwarding loop for " + me() + "@b.example)"));
  EXPECT_EQ(mailbox(), "");
}

}  // namespace
