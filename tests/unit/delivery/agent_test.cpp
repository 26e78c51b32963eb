#include "delivery/agent.h"

#include <sys/file.h>

#include <future>
#include <thread>

#include "delivery/agent_client.h"
#include "io/fiber.h"
#include "io/socket.h"
#include "lib/delivery_world.h"
#include "lib/disks.h"
#include "logging/log.h"

namespace {

using delivery::Report;
using delivery::Request;
using tests::DeliveryWorld;
using tests::SpoolFolder;

class Agent final : public delivery::AgentServer {
 public:
  using Deliver = std::function<void(delivery::Job&)>;
  Agent(const service::Context& context, Deliver deliver)
      : AgentServer(context, DeliveryWorld::flat()), deliver_(std::move(deliver)) {}

 protected:
  void deliver(delivery::Job& job) override { deliver_(job); }

 private:
  Deliver deliver_;
};

void send_all(delivery::Job& job) {
  job.recorder.record(job.request.recipients, delivery::Sent{.status = {.code = "2.0.0", .reason = "test"}}, {},
                      job.times);
}

class Agents : public testing::Test {
 protected:
  Report answer(const Agent::Deliver& deliver) { return Agent(context_, deliver).answer(world_.request); }

  DeliveryWorld world_;
  config::Config config_ = tests::config_of("");
  service::Context context_{.config = config_, .program = "test", .service_name = "test", .arguments = {}};
  logging::Capture log_;
};

TEST_F(Agents, SayThatAllIsDone) {
  const Report report = answer(send_all);
  EXPECT_FALSE(report.some_deferred);
  EXPECT_FALSE(report.corrupt);
  EXPECT_EQ(world_.mark(), 'D');
}

TEST_F(Agents, FillInWhenTheyGotTheMessage) {
  answer([](delivery::Job& job) {
    EXPECT_GE(job.times.handoff, job.request.times.active);
    EXPECT_EQ(job.times.connected, 0);
    send_all(job);
  });
}

TEST_F(Agents, HoldASharedLockMeanwhile) {
  answer([](delivery::Job& job) {
    const base::Fd other = DeliveryWorld::open();
    EXPECT_EQ(::flock(other.get(), LOCK_EX | LOCK_NB), -1);
    EXPECT_EQ(::flock(other.get(), LOCK_SH | LOCK_NB), 0);
    send_all(job);
  });
  const base::Fd other = DeliveryWorld::open();
  EXPECT_EQ(::flock(other.get(), LOCK_EX | LOCK_NB), 0);
}

TEST_F(Agents, AForgottenRecipientIsDeferred) {
  EXPECT_TRUE(answer([](delivery::Job&) {}).some_deferred);
}

TEST_F(Agents, AnExceptionDefersAndIsLogged) {
  EXPECT_TRUE(answer([](delivery::Job&) { throw std::runtime_error("no idea"); }).some_deferred);
  EXPECT_TRUE(log_.contains("4jWq1z2abc: no idea"));
}

TEST_F(Agents, MarkACorruptMessage) {
  const Report report = answer([](delivery::Job&) { throw delivery::Corrupt{"bad record"}; });
  EXPECT_TRUE(report.corrupt);
  EXPECT_TRUE(report.some_deferred);
  EXPECT_EQ(SpoolFolder::mode(DeliveryWorld::path()), 0400u);
}

TEST_F(Agents, PassOnThatTheWholeDestinationFailed) {
  const Report report = answer(
      [](delivery::Job& job) { job.destination_failure = delivery::Status{.code = "4.4.1", .reason = "nobody home"}; });
  ASSERT_TRUE(report.destination_failure);
  EXPECT_EQ(report.destination_failure->reason, "nobody home");
}

TEST_F(Agents, DoNotTouchWhatIsNotTheirs) {
  const auto never = [](delivery::Job&) { FAIL(); };
  for (const char* id : {"", "../active/4jWq1z2abc", "4jWq1z2abcd", "a/b"}) {
    world_.request.queue_id = id;
    EXPECT_TRUE(answer(never).some_deferred) << id;
  }
  world_.request.queue_id = DeliveryWorld::kId;
  world_.request.queue_name = "etc";
  EXPECT_TRUE(answer(never).some_deferred);
}

TEST_F(Agents, LeaveAMessageThatIsNotReady) {
  ASSERT_EQ(::chmod(DeliveryWorld::path().c_str(), 0600), 0);
  EXPECT_TRUE(answer([](delivery::Job&) { FAIL(); }).some_deferred);
  EXPECT_TRUE(log_.contains("uncommon permissions 600"));
}

TEST_F(Agents, LeaveAMessageThatIsLocked) {
  const base::Fd other = DeliveryWorld::open();
  ASSERT_EQ(::flock(other.get(), LOCK_EX | LOCK_NB), 0);
  EXPECT_TRUE(answer([](delivery::Job&) { FAIL(); }).some_deferred);
}

TEST_F(Agents, DoNotFollowALink) {
  std::filesystem::rename(DeliveryWorld::path(), "elsewhere");
  std::filesystem::create_symlink("../elsewhere", DeliveryWorld::path());
  EXPECT_TRUE(answer([](delivery::Job&) { FAIL(); }).some_deferred);
}

// --- over a connection -------------------------------------------------------------------------------------------

constexpr auto kLimit = std::chrono::seconds(10);
io::Deadline soon() {
  return io::Deadline::after(kLimit);
}

// Accepts connections on private/test and hands the N-th to the N-th function.
class Listener {
 public:
  using Serve = std::function<void(base::Fd)>;
  explicit Listener(std::vector<Serve> clients) {
    std::filesystem::create_directory("private");
    auto listening =
        io::listen({.type = io::Endpoint::Type::unix_stream, .host = {}, .port = {}, .path = "private/test"});
    if (!listening) throw std::runtime_error(listening.error().text);
    thread_ = std::thread([fd = std::move(*listening), clients = std::move(clients)] {
      for (const Serve& serve : clients) {
        auto client = io::accept(fd.get(), soon());
        if (!client || !*client) return;
        serve(std::move(*client));
      }
    });
  }
  ~Listener() { thread_.join(); }

 private:
  std::thread thread_;
};

class Asking : public Agents {
 protected:
  auto ask() { return delivery::ask_agent(pool_, "private/test", world_.request, soon(), soon()); }
  Listener::Serve agent() {
    return [this](base::Fd fd) { Agent(context_, send_all).serve({.fd = std::move(fd), .attributes = {}}); };
  }
  // Answers one request and closes, now or when the next one has come.
  static void answer_one(base::Fd fd) {
    ipc::Channel channel(std::move(fd));
    channel.set_deadline(soon());
    (void)channel.receive<Request>();
    channel.send(Report{});
    channel.flush();
  }

  ipc::Pool pool_;
};

TEST_F(Asking, KeepsTheConnection) {
  const Listener listener({agent()});
  for (int request = 0; request < 3; ++request) {
    const auto report = ask();
    ASSERT_TRUE(report);
    EXPECT_FALSE(report->some_deferred);
  }
  pool_ = ipc::Pool();
}

TEST_F(Asking, NobodyThereIsUnreachable) {
  const auto report = ask();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().kind, delivery::NoReport::Kind::unreachable);
}

TEST_F(Asking, AnAgentThatDiesOverAFreshConnectionDied) {
  const Listener listener({[](base::Fd fd) {
    ipc::Channel channel(std::move(fd));
    channel.set_deadline(soon());
    (void)channel.receive<Request>();
  }});
  const auto report = ask();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().kind, delivery::NoReport::Kind::died);
}

TEST_F(Asking, AKeptConnectionThatWasClosedIsReplaced) {
  const Listener listener({answer_one, agent()});
  ASSERT_TRUE(ask());
  std::this_thread::yield();
  const auto report = ask();
  ASSERT_TRUE(report) << report.error().text;
  pool_ = ipc::Pool();
}

TEST_F(Asking, ARequestThatAKeptConnectionNeverTookIsMadeAgain) {
  std::promise<void> sent;
  const Listener listener({[&](base::Fd fd) {
                             ipc::Channel channel(std::move(fd));
                             channel.set_deadline(soon());
                             (void)channel.receive<Request>();
                             channel.send(Report{});
                             channel.flush();
                             // The next request is there, and nobody reads it.
                             (void)io::wait_readable(channel.stream().fd(), soon());
                             sent.set_value();
                           },
                           agent()});
  ASSERT_TRUE(ask());
  const auto report = ask();
  sent.get_future().wait();
  ASSERT_TRUE(report) << report.error().text;
  pool_ = ipc::Pool();
}

TEST_F(Asking, ARequestThatWasTakenIsNotMadeAgain) {
  const Listener listener({[](base::Fd fd) {
    ipc::Channel channel(std::move(fd));
    channel.set_deadline(soon());
    (void)channel.receive<Request>();
    channel.send(Report{});
    channel.flush();
    (void)channel.receive<Request>();  // and away
  }});
  ASSERT_TRUE(ask());
  const auto report = ask();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().kind, delivery::NoReport::Kind::died);
}

}  // namespace
