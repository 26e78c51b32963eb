#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "cleaning.h"
#include "cleanup/session.h"
#include "failing_disk.h"
#include "io/fiber.h"
#include "io/socket.h"
#include "queue/steps.h"

using namespace cleaning;
using namespace std::chrono_literals;

// A queue directory of its own, a session over a connected pair, and a disk that fails where it is told to.
class Session : public Cleaning {
 protected:
  void SetUp() override {
    char name[] = "/tmp/cleanup-session.XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    before_ = std::filesystem::current_path();
    std::filesystem::current_path(name);
    for (const char* folder : {"incoming", "hold", "bounce", "defer", "trace", "public", "private", "corrupt"})
      std::filesystem::create_directory(folder);
    configure("in_flow_delay = 0");
    outcomes_.compatible_logs = false;
  }
  void TearDown() override {
    const auto here = std::filesystem::current_path();
    std::filesystem::current_path(before_);
    std::filesystem::remove_all(here);
  }

  // Runs the session beside the client, both to their end.
  void talk(const std::function<void(ipc::Channel&)>& client) {
    io::Loop loop;
    const queue::Spool spool(queue::SpoolSettings(), disk_);
    io::Semaphore creators(10);
    client::QmgrClient qmgr;
    ipc::Pool pool;
    client::BounceClient bounce(pool);
    const cleanup::Shared shared{*settings_, *tables_, spool, creators, qmgr, bounce, outcomes_, 10s, 0s, false};
    io::Pair pair = io::socket_pair();
    loop.spawn("session", [&shared, fd = pair.first.release()] {
      try {
        cleanup::Session(shared, ipc::Channel(base::Fd(fd))).run();
      } catch (const io::StreamError&) {
        // as the frame of all daemons does
      }
    });
    loop.spawn("client", [&client, fd = pair.second.release()] {
      ipc::Channel channel{base::Fd(fd)};
      channel.set_deadline(io::Deadline::after(10s));
      client(channel);
    });
    loop.run();
  }
  client::CleanupResult send(ipc::Channel& channel, const Records& records, int flags = kSmtpd) {
    channel.send(client::CleanupBegin{.flags = flags});
    const auto started = channel.receive<client::CleanupStarted>();
    id_ = started.queue_id;
    if (id_.empty()) return {-1, started.reason};
    channel.send(client::CleanupRecords{.records = encoded(records)});
    return channel.receive<client::CleanupResult>();
  }
  client::CleanupResult send_one(const Records& records, int flags = kSmtpd) {
    client::CleanupResult result;
    talk([&](ipc::Channel& channel) { result = send(channel, records, flags); });
    return result;
  }

  static std::vector<std::string> files(const std::string& folder) {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
      if (entry.is_regular_file()) found.push_back(entry.path().filename());
    return found;
  }
  static Records records_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return decoded(std::string(std::istreambuf_iterator<char>(file), {}));
  }
  static bool ready(const std::string& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 && queue::mode::is_ready(status.st_mode);
  }

  FailingDisk disk_;
  delivery::OutcomeSettings outcomes_;
  std::string id_;
  std::filesystem::path before_;
};

TEST_F(Session, PutsAMessageIntoIncoming) {
  const auto result = send_one(message());
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(files("incoming"), std::vector{id_});
  EXPECT_TRUE(ready("incoming/" + id_));
  EXPECT_EQ(records_of("incoming/" + id_).back(), "E");
}
TEST_F(Session, TakesMessagesOneAfterAnother) {
  talk([this](ipc::Channel& channel) {
    EXPECT_EQ(send(channel, message()).status, 0);
    EXPECT_EQ(send(channel, {kTime, "S s", "E"}).status, status::kBad);
    EXPECT_EQ(send(channel, message()).status, 0);
  });
  EXPECT_EQ(files("incoming").size(), 2U);
}
TEST_F(Session, PutsHeldMailIntoHold) {
  EXPECT_EQ(send_one(message(), kSmtpd | flag::kHold).status, 0);
  EXPECT_TRUE(ready("hold/" + id_));
  EXPECT_TRUE(files("incoming").empty());
}
TEST_F(Session, LeavesNothingOfDiscardedMail) {
  logging::Capture log;
  EXPECT_EQ(send_one(message({"f 8"})).status, 0);
  EXPECT_TRUE(files(".").empty());
  EXPECT_TRUE(log.contains(": removed (discarded)"));
}
TEST_F(Session, KeepsWhatTheSenderIsToHearOfAnAlias) {
  configure("in_flow_delay = 0\nvirtual_alias_maps = inline:{{list@fmt.test=r1@x, r2@x}}");
  EXPECT_EQ(send_one(message({"n 2", "R list@fmt.test"})).status, 0);
  const auto entries =
      queue::read_status(queue::Spool(queue::SpoolSettings(), disk_), queue::Folder::trace, *queue::Id::parse(id_));
  ASSERT_TRUE(entries && *entries);
  ASSERT_EQ((*entries)->size(), 1U);
  EXPECT_EQ((*entries)->front().action, "expanded");
  EXPECT_EQ((*entries)->front().recipient, "list@fmt.test");
}
TEST_F(Session, TellsNothingOfAnAliasWhenTheMailIsRefusedOrDiscarded) {
  configure("in_flow_delay = 0\nvirtual_alias_maps = inline:{{list@fmt.test=r1@x, r2@x}}");
  EXPECT_EQ(send_one(message({"n 2", "R list@fmt.test", "f 8"})).status, 0);
  EXPECT_TRUE(files(".").empty());
  disk_.fail_at(queue::step::kCommitSync, EIO);
  EXPECT_EQ(send_one(message({"n 2", "R list@fmt.test"})).status, status::kWrite);
  EXPECT_FALSE(std::filesystem::exists("trace/" + id_));
}
TEST_F(Session, AnAliasThatCannotBeToldOfRefusesTheMailForNow) {
  configure("in_flow_delay = 0\nvirtual_alias_maps = inline:{{list@fmt.test=r1@x, r2@x}}");
  disk_.fail_at(queue::step::kStatusWrite, ENOSPC);
  EXPECT_EQ(send_one(message({"n 2", "R list@fmt.test"})).status, status::kWrite);
  EXPECT_TRUE(files("incoming").empty());
}
TEST_F(Session, LeavesNothingOfRefusedMail) {
  EXPECT_EQ(send_one({kTime, "S s", "R r", "M", "N Subject: x", "N", "X", "E"}).status, status::kBad);
  EXPECT_TRUE(files(".").empty());
}
TEST_F(Session, LeavesNothingWhenTheClientGoesAway) {
  logging::Capture log;
  talk([](ipc::Channel& channel) {
    channel.send(client::CleanupBegin{.flags = kSmtpd});
    channel.receive<client::CleanupStarted>();
    channel.send(client::CleanupRecords{.records = encoded({kTime, "S s", "R r"})});
    channel.flush();
  });
  EXPECT_TRUE(files(".").empty());
  EXPECT_TRUE(log.contains(": removed (canceled)"));
}
TEST_F(Session, EndsWhenTheClientSendsNoRecords) {
  client::CleanupResult result;
  talk([&](ipc::Channel& channel) {
    channel.send(client::CleanupBegin{.flags = kSmtpd});
    channel.receive<client::CleanupStarted>();
    channel.send(client::CleanupRecords{.records = "S\xFF"});
    result = channel.receive<client::CleanupResult>();
    EXPECT_FALSE(channel.receive_frame_or_end());
  });
  EXPECT_EQ(result.status, status::kBad);
  EXPECT_TRUE(files(".").empty());
}
TEST_F(Session, EveryStepOfTheDiskThatFailsIsAWriteErrorThatLeavesNothing) {
  using namespace queue::step;
  for (const disk::Step step : {kWrite, kOverwrite, kCommitMode, kCommitSync, kCommitName, kCommitClose}) {
    disk_.fail_at(step, EIO);
    // Large enough that the size record has left the buffer.
    const auto result = send_one(message({}, {}, Records(300, "N " + std::string(1000, 'x'))));
    EXPECT_EQ(disk_.failures(), 1) << step;
    EXPECT_EQ(result.status, status::kWrite) << step;
    EXPECT_TRUE(files(".").empty()) << step;
  }
}
TEST_F(Session, AMoveToHoldThatFailsLeavesNothing) {
  disk_.fail_at(queue::step::kCommitMove, EIO);
  EXPECT_EQ(send_one(message(), kSmtpd | flag::kHold).status, status::kWrite);
  EXPECT_TRUE(files(".").empty());
}
TEST_F(Session, AFileThatCannotBeMadeIsToldAtOnceAndTheConnectionLivesOn) {
  disk_.fail_at(queue::step::kCreate, ENOSPC);
  talk([this](ipc::Channel& channel) {
    const auto refused = send(channel, message());
    EXPECT_EQ(refused.status, -1);
    EXPECT_TRUE(refused.reason.contains("No space left")) << refused.reason;
    disk_.fail_at({}, 0);
    EXPECT_EQ(send(channel, message()).status, 0);
  });
  EXPECT_EQ(files("incoming").size(), 1U);
}
TEST_F(Session, WithoutABounceServiceMailThatShouldBeReturnedStaysWithTheClient) {
  configure("in_flow_delay = 0\nhopcount_limit = 2");
  logging::Capture log;
  const auto result = send_one(message({}, {"N Received: a"}), kSmtpd | flag::kBounce);
  EXPECT_EQ(result.status, status::kWrite);
  EXPECT_TRUE(files(".").empty());
  EXPECT_TRUE(log.contains("cannot return the message to its sender"));
}
