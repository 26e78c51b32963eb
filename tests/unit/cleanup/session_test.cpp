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
    for (const char* folder : {"incoming", "hold", "bounce", "defer", "trace", "public", "private", "corrupt", "spare"})
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
    cleanup::SpareStock spares(spool, spares_);
    client::QmgrClient qmgr;
    ipc::Pool pool;
    client::BounceClient bounce(pool);
    const cleanup::Shared shared{*settings_, *tables_,  spool, creators, spares, qmgr,
                                 bounce,     outcomes_, 10s,   0s,       false};
    io::Pair pair = io::socket_pair();
    loop.spawn("session", [&shared, fd = pair.first.release()] {
      try {
        cleanup::Session(shared, ipc::Channel(base::Fd(fd))).run();
      } catch (const io::StreamError&) {
        // as the frame of all daemons does
      }
    });
    loop.spawn("client", [&client, &spares, fd = pair.second.release()] {
      ipc::Channel channel{base::Fd(fd)};
      channel.set_deadline(io::Deadline::after(10s));
      client(channel);
      spares.close();
    });
    for (const auto& other : played_) loop.spawn("other process", other);
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
  cleanup::SpareStock::Settings spares_;
  std::vector<std::function<void()>> played_;  // other processes' parts
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

// The queue manager gives these files, and tells what it was asked for.
class SessionWithSpares : public Session {
 protected:
  void give(std::vector<std::string> names) {
    spares_ = {.most = 10, .busy = 0, .queue_socket = "public/spares"};
    play(spares_.queue_socket, [this, names = std::move(names)](ipc::Channel& channel) {
      asked_.push_back(channel.receive<client::SparesWanted>().count);
      channel.send(client::Spares{names});
      channel.flush();
      asked_.push_back(channel.receive<client::SparesWanted>().count);
      channel.receive_frame();
    });
  }
  // Serves one connection there.
  void play(std::string path, std::function<void(ipc::Channel&)> serve) {
    played_.push_back([path = std::move(path), serve = std::move(serve)] {
      const auto listener = io::listen({io::Endpoint::Type::unix_stream, "", "", path});
      ipc::Channel channel(std::move(*io::accept(listener->get(), io::Deadline::after(10s))));
      channel.set_deadline(io::Deadline::after(10s));
      try {
        serve(channel);
      } catch (const io::StreamError&) {
        // the session is over
      }
    });
  }
  static void put(const std::string& name, std::size_t size) {
    std::ofstream("spare/" + name) << std::string(size, 'o');
    std::filesystem::permissions("spare/" + name, std::filesystem::perms::owner_all);
  }
  static ino_t inode(const std::string& path) {
    struct stat status{};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return status.st_ino;
  }
  // The first message makes the stock, what comes after it may use it.
  void talk_with_stock(const std::function<void(ipc::Channel&)>& client) {
    talk([&](ipc::Channel& channel) {
      EXPECT_EQ(send(channel, message()).status, 0);
      for (int turn = 0; turn < 10000 && asked_.size() < 2; ++turn) io::sleep_until(io::Deadline::after(1ms));
      ASSERT_EQ(asked_.size(), 2U);
      client(channel);
    });
  }
  void send_two() {
    talk_with_stock([this](ipc::Channel& channel) { EXPECT_EQ(send(channel, message()).status, 0); });
  }

  std::vector<std::uint32_t> asked_;
};

TEST_F(SessionWithSpares, WritesOverOne) {
  put("A", 20000);
  const ino_t spare = inode("spare/A");
  give({"A"});
  send_two();
  EXPECT_EQ(asked_, (std::vector<std::uint32_t>{10, 9}));
  EXPECT_EQ(inode("incoming/" + id_), spare);
  EXPECT_EQ(records_of("incoming/" + id_).back(), "E");
  EXPECT_TRUE(files("spare").empty());
}

TEST_F(SessionWithSpares, DoesWithoutWhatCannotBeUsed) {
  put("A", 100);
  std::filesystem::create_hard_link("spare/A", "kept");
  give({"none", "A"});
  send_two();
  EXPECT_EQ(files("incoming").size(), 2U);
  EXPECT_NE(inode("incoming/" + id_), inode("kept"));
  EXPECT_TRUE(files("spare").empty());
}

TEST_F(SessionWithSpares, LeavesNoneBehind) {
  for (const char* name : {"A", "B", "C"}) put(name, 100);
  give({"A", "B", "C"});
  send_two();
  EXPECT_EQ(files("incoming").size(), 2U);
  EXPECT_TRUE(files("spare").empty());
}

TEST_F(SessionWithSpares, ReturnsMailWithWhatIsItsOwnOnly) {
  configure("in_flow_delay = 0\nhopcount_limit = 2");
  put("A", 20000);
  const ino_t spare = inode("spare/A");
  give({"A"});
  Records returned;
  play("private/bounce", [&](ipc::Channel& channel) {
    const auto notice = channel.receive<client::NoticeRequest>();
    const std::string path = notice.queue_name + "/" + notice.queue_id;
    EXPECT_EQ(inode(path), spare);
    EXPECT_FALSE(ready(path)) << "or qmgr delivers it";
    returned = records_of(path);
    channel.send(client::NoticeResult{.done = true, .reason = {}});
    channel.flush();
  });
  talk_with_stock([this](ipc::Channel& channel) {
    EXPECT_EQ(send(channel, message({}, {"N Received: a"}), kSmtpd | flag::kBounce).status, 0);
  });
  ASSERT_FALSE(returned.empty());
  EXPECT_EQ(returned.back(), "E");
  EXPECT_EQ(files("incoming").size(), 1U);
  EXPECT_TRUE(files("spare").empty());
}

TEST_F(SessionWithSpares, AFailureCostsTheMessageAndNothingElse) {
  put("A", 20000);
  give({"A"});
  talk_with_stock([this](ipc::Channel& channel) {
    disk_.fail_at(queue::step::kCommitCut, ENOSPC);
    EXPECT_NE(send(channel, message()).status, 0);
    EXPECT_EQ(disk_.failures(), 1);
    EXPECT_EQ(send(channel, message()).status, 0);
  });
  EXPECT_EQ(files("incoming").size(), 2U);
  EXPECT_TRUE(files("spare").empty());
}

TEST_F(Session, WithoutARushThereAreNoSpares) {
  spares_ = {.most = 10, .busy = 3, .queue_socket = "public/none"};
  EXPECT_EQ(send_one(message()).status, 0);
}
