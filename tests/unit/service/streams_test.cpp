// Processes that serve streams: clients at once, the limits, what master is told, the end.

#include "client/flush_client.h"
#include "fake_master.h"
#include "ipc/channel.h"
#include "logging/log.h"
#include "service/master_link.h"

namespace {

using namespace service_test;
using service::kAvailable;
using service::kTaken;

// Answers each line with a line.
class Talker : public service::Server {
 public:
  explicit Talker(const service::Context& context) : context_(context) {}

  void serve(service::Client client) override {
    for (const auto& [name, value] : client.attributes) remembered_ += name + "=" + value + " ";
    io::Stream stream(std::move(client.fd));
    stream.set_deadline(soon());
    while (auto line = stream.read_line_or_end(1000)) {
      stream.write(answer(line->text) + "\n");
      stream.flush();
    }
  }
  std::string stale() override { return std::filesystem::exists("stale") ? "hash:/test" : ""; }
  void finish(io::Deadline) override { logging::info("test.finish", "asked to finish"); }

 private:
  std::string answer(const std::string& question) {
    if (question == "pid") return std::to_string(::getpid());
    if (question == "ids") return fmt::format("{} {} {}", ::getuid(), ::geteuid(), ::getgroups(0, nullptr));
    if (question == "fatal") throw base::Fatal("told to end");
    if (question == "throw") throw std::runtime_error("told to fail");
    if (question == "block") std::this_thread::sleep_for(60s);
    if (question == "context") {
      return fmt::format("{} {} {} {} {}", context_.program, context_.service_name, fmt::join(context_.arguments, ","),
                         context_.privileged, context_.chrooted);
    }
    if (question == "flow") {
      service::flow::Token token;
      token.pass_on();
      return token.is_there() ? "token" : "none";
    }
    if (question == "give up") return service::flow::Token().is_there() ? "token" : "none";
    if (question == "put") service::flow::put(2);
    if (question == "restore") service::flow::restore();
    if (question == "attributes") return remembered_;
    return "heard " + question;
  }
  const service::Context& context_;
  std::string remembered_;
};

service::Program talker() {
  return {.program = "talker",
          .open = [](const service::Context& context) { return std::make_unique<Talker>(context); }};
}

std::string ask(io::Stream& stream, const std::string& question) {
  stream.write(question + "\n");
  stream.flush();
  return stream.read_line(1000).text;
}

class Streams : public FakeMaster {};

TEST_F(Streams, ServesSeveralClientsAtOnceInOneProcess) {
  const pid_t child = start(talker(), {"-t", "unix"});
  auto first = connect();
  auto second = connect();
  EXPECT_EQ(ask(second, "pid"), std::to_string(child));
  EXPECT_EQ(ask(first, "pid"), std::to_string(child));
  EXPECT_EQ(next_status(100ms), -1) << "there is room for more";
}

TEST_F(Streams, TellsTheServerItsPlace) {
  start(talker(), {"-n", "other", "-t", "unix", "-o", "myhostname=x.test", "one", "two"});
  auto stream = connect();
  const std::string root = ::geteuid() == 0 ? "true" : "false";
  EXPECT_EQ(ask(stream, "context"), "talker other one,two " + root + " false");
}

TEST_F(Streams, TellsMasterWhenItIsFullAndWhenNoLonger) {
  write_main_cf("talker_client_limit = 2\n");
  start(talker());
  auto first = connect();
  EXPECT_EQ(ask(first, "a"), "heard a");
  {
    auto second = connect();
    EXPECT_EQ(ask(second, "b"), "heard b");
    EXPECT_EQ(next_status(), kTaken);
  }
  EXPECT_EQ(next_status(), kAvailable);
  EXPECT_EQ(next_status(100ms), -1);
}

TEST_F(Streams, TellsMasterOnceThatAClientWasServed) {
  start(talker());
  for (int i = 0; i < 3; ++i) {
    auto client = connect();
    EXPECT_EQ(ask(client, "a"), "heard a");
  }
  EXPECT_EQ(next_status(), kAvailable) << "a death is no failed start any more";
  EXPECT_EQ(next_status(200ms), -1);
}

TEST_F(Streams, TakesNoClientBeyondTheLimit) {
  auto program = talker();
  program.client_limit = 1;
  const pid_t one = start(program);
  auto first = connect();
  EXPECT_EQ(ask(first, "pid"), std::to_string(one));
  auto second = connect();
  second.write("pid\n");
  second.flush();
  pollfd entry{second.fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&entry, 1, 200), 0);
  const pid_t other = start(program);
  EXPECT_EQ(second.read_line(100).text, std::to_string(other));
}

TEST_F(Streams, EndsAfterMaxUseClients) {
  const pid_t child = start(talker(), {"-m", "2"});
  auto first = connect();
  EXPECT_EQ(ask(first, "a"), "heard a");
  auto second = connect();
  EXPECT_EQ(ask(second, "b"), "heard b");
  EXPECT_EQ(next_status(), kTaken);
  EXPECT_EQ(ask(first, "c"), "heard c") << "those that it has are finished";
  first = connect();
  second = connect();
  EXPECT_EQ(wait_for_exit(child), 0);
  EXPECT_TRUE(log_has("asked to finish"));
}

TEST_F(Streams, EndsWhenIdle) {
  const pid_t child = start(talker(), {"-i", "1s"});
  EXPECT_EQ(wait_for_exit(child), 0);
}

TEST_F(Streams, StaysWhileAClientIsThere) {
  const pid_t child = start(talker(), {"-i", "1"});
  auto stream = connect();
  EXPECT_EQ(ask(stream, "a"), "heard a");
  EXPECT_EQ(wait_for_exit(child, 2500ms), -2);
}

TEST_F(Streams, FinishesItsClientsWhenMasterIsGone) {
  const pid_t child = start(talker());
  auto stream = connect();
  EXPECT_EQ(ask(stream, "a"), "heard a");
  let_go_of_child();
  EXPECT_TRUE(log_has("asked to finish"));
  EXPECT_EQ(ask(stream, "b"), "heard b");
  EXPECT_EQ(wait_for_exit(child, 100ms), -2);
  stream = io::Stream(base::Fd(::open("/dev/null", O_RDONLY)));
  EXPECT_EQ(wait_for_exit(child), 0);
}

TEST_F(Streams, FinishesItsClientsWhenToldTo) {
  const pid_t child = start(talker());
  auto stream = connect();
  EXPECT_EQ(ask(stream, "a"), "heard a");
  ASSERT_EQ(::write(status_.get(), &service::kFinish, 1), 1);
  EXPECT_TRUE(log_has("asked to finish"));
  listener_.reset();
  auto refused = io::connect({io::Endpoint::Type::unix_stream, "", "", path()}, soon());
  EXPECT_FALSE(refused) << "it listens no longer";
  EXPECT_EQ(ask(stream, "b"), "heard b");
  stream = io::Stream(base::Fd(::open("/dev/null", O_RDONLY)));
  EXPECT_EQ(wait_for_exit(child), 0);
}

TEST_F(Streams, GoesAwayWhenATableHasChanged) {
  const pid_t child = start(talker());
  {
    auto stream = connect();
    EXPECT_EQ(ask(stream, "a"), "heard a");
  }
  std::this_thread::sleep_for(1100ms);
  std::ofstream(folder_ + "/spool/stale");
  auto next = connect();
  EXPECT_EQ(wait_for_exit(child), 0);
  EXPECT_TRUE(log_text().contains("talker[" + std::to_string(child) + "]: table hash:/test has changed -- restarting"));
  std::filesystem::remove(folder_ + "/spool/stale");
  const pid_t successor = start(talker());
  EXPECT_EQ(ask(next, "pid"), std::to_string(successor)) << "who came then is not turned away";
}

TEST_F(Streams, OneClientsTroubleIsNotAnothers) {
  start(talker());
  auto good = connect();
  auto bad = connect();
  bad.write("throw\n");
  bad.flush();
  EXPECT_TRUE(bad.at_end());
  EXPECT_TRUE(log_has("error: serving a client failed: told to fail"));
  EXPECT_EQ(ask(good, "a"), "heard a");
}

TEST_F(Streams, FatalEndsTheProcessAfterAPause) {
  const pid_t child = start(talker());
  auto stream = connect();
  const auto before = std::chrono::steady_clock::now();
  stream.write("fatal\n");
  stream.flush();
  EXPECT_EQ(wait_for_exit(child), 1);
  EXPECT_GE(std::chrono::steady_clock::now() - before, 1s);
  EXPECT_TRUE(log_text().contains("fatal: told to end"));
}

TEST_F(Streams, DiesBySigtermAndIgnoresSighup) {
  const pid_t child = start(talker());
  auto stream = connect();
  EXPECT_EQ(ask(stream, "a"), "heard a");
  ::kill(child, SIGHUP);
  EXPECT_EQ(ask(stream, "b"), "heard b");
  ::kill(child, SIGTERM);
  EXPECT_EQ(wait_for_exit(child), -1);
}

TEST_F(Streams, AProcessThatHangsIsEnded) {
  const pid_t child = start(talker(), {"-o", "daemon_timeout=1s"});
  auto stream = connect();
  stream.write("block\n");
  stream.flush();
  EXPECT_EQ(wait_for_exit(child), 1);
  EXPECT_TRUE(log_text().contains("fatal: watchdog timeout"));
}

TEST_F(Streams, AProcessThatOnlyWaitsIsNotHanging) {
  const pid_t child = start(talker(), {"-o", "daemon_timeout=1s"});
  auto stream = connect();
  EXPECT_EQ(ask(stream, "a"), "heard a");
  EXPECT_EQ(wait_for_exit(child, 2s), -2);
}

TEST_F(Streams, TokensComeAndGo) {
  start(talker());
  auto stream = connect();
  EXPECT_EQ(ask(stream, "flow"), "none");
  EXPECT_EQ(ask(stream, "put"), "heard put");
  EXPECT_EQ(ask(stream, "flow"), "token");
  EXPECT_EQ(ask(stream, "flow"), "token");
  EXPECT_EQ(ask(stream, "flow"), "none");
}

TEST_F(Streams, ATokenWhoseMessageDidNotArriveGoesBack) {
  start(talker());
  auto stream = connect();
  ask(stream, "put");
  for (int message = 0; message < 3; ++message) EXPECT_EQ(ask(stream, "give up"), "token");
  ask(stream, "flow");
  ask(stream, "flow");
  EXPECT_EQ(ask(stream, "give up"), "none");
  EXPECT_EQ(ask(stream, "flow"), "none") << "none is made up";
}

TEST_F(Streams, TheNumberOfTokensIsRestored) {
  start(talker());
  auto stream = connect();
  for (const char* before : {"restore", "put"}) {
    ask(stream, before);
    ask(stream, "restore");
    for (int token = 0; token < service::kFlowCredit; ++token) ASSERT_EQ(ask(stream, "flow"), "token") << token;
    EXPECT_EQ(ask(stream, "flow"), "none");
  }
}

TEST_F(Streams, ServesInetClientsWithoutDelay) {
  listen(Socket::inet);
  start(talker(), {"-t", "inet"});
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ASSERT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  auto fd = io::connect({io::Endpoint::Type::inet, "127.0.0.1", std::to_string(ntohs(address.sin_port)), ""}, soon());
  ASSERT_TRUE(fd);
  io::Stream stream(std::move(*fd));
  stream.set_deadline(soon());
  EXPECT_EQ(ask(stream, "a"), "heard a");
}

TEST_F(Streams, GivesUpRootForEver) {
  if (::geteuid() != 0) GTEST_SKIP() << "for root";
  start(talker(), {"-u"});
  auto stream = connect();
  EXPECT_EQ(ask(stream, "ids"), "1 1 1");
}

TEST_F(Streams, LeavesAServiceItsRootWhereMasterCfSaysSo) {
  if (::geteuid() != 0) GTEST_SKIP() << "for root";
  start(talker());
  auto stream = connect();
  EXPECT_TRUE(ask(stream, "ids").starts_with("0 0"));
}

TEST_F(Streams, KeepsRootInReserveForProgramsThatBecomeRecipients) {
  if (::geteuid() != 0) GTEST_SKIP() << "for root";
  auto program = talker();
  program.privileges = service::Privileges::keep;
  start(program);
  auto stream = connect();
  EXPECT_EQ(ask(stream, "ids"), "0 1 1");
}

TEST_F(Streams, EntersTheQueueDirectory) {
  if (::geteuid() != 0) GTEST_SKIP() << "for root";
  const pid_t child = start(talker(), {"-c", "-u"});
  auto stream = connect();
  EXPECT_EQ(ask(stream, "a"), "heard a");
  EXPECT_EQ(std::filesystem::read_symlink(fmt::format("/proc/{}/root", child)), folder_ + "/spool");
}

TEST_F(Streams, RootIsNoMailOwner) {
  if (::geteuid() != 0) GTEST_SKIP() << "for root";
  const pid_t child = start(talker(), {"-o", "mail_owner=root"});
  EXPECT_EQ(wait_for_exit(child), 1);
  EXPECT_TRUE(log_text().contains("main.cf: parameter mail_owner: user has the user ID of root: root"));
}

TEST_F(Streams, SaysWhatMasterCfMustSay) {
  auto program = talker();
  program.processes = service::Processes::exactly_one;
  EXPECT_EQ(wait_for_exit(start(program)), 1);
  EXPECT_TRUE(log_text().contains("fatal: service talker requires a process limit of 1"));
  program.processes = service::Processes::unlimited;
  EXPECT_EQ(wait_for_exit(start(program, {"-n", "x"})), 1);
  EXPECT_TRUE(log_text().contains("fatal: service x requires a process limit of 0"));
  program.processes = service::Processes::any;
  program.privileges = service::Privileges::keep;
  EXPECT_EQ(wait_for_exit(start(program, {"-u"})), 1);
  EXPECT_TRUE(log_text().contains("fatal: service talker requires privileged operation"));
  if (::geteuid() != 0) return;
  program.privileges = service::Privileges::refuse;
  EXPECT_EQ(wait_for_exit(start(program)), 1);
  EXPECT_TRUE(log_text().contains("fatal: service talker: talker must run with $mail_owner privileges"));
}

TEST_F(Streams, ABadOptionIsFatal) {
  EXPECT_EQ(wait_for_exit(start(talker(), {"-t", "carrier-pigeon"})), 1);
  EXPECT_EQ(wait_for_exit(start(talker(), {"-m", "0"})), 1);
  EXPECT_EQ(wait_for_exit(start(talker(), {"-o", "novalue"})), 1);
}

// --- connections that are kept between requests

class Replier : public service::Server {
 public:
  void serve(service::Client client) override {
    ipc::Channel channel(std::move(client.fd));
    channel.set_deadline(soon());
    while (auto frame = channel.receive_frame_or_end(500ms)) {
      const auto request = ipc::Channel::understand<client::FlushRequest>(*frame);
      if (request.site == "wait") io::sleep_until(io::Deadline::after(300ms));
      channel.send(client::FlushResult{client::FlushStatus::ok});
    }
  }
};

service::Program replier(int limit) {
  return {.program = "replier", .client_limit = limit, .open = [](const service::Context&) {
            return std::make_unique<Replier>();
          }};
}

client::FlushRequest request(const std::string& site) {
  return {client::FlushRequest::Action::send_site, site, ""};
}

TEST_F(Streams, AKeptConnectionMakesWayForANewOne) {
  start(replier(1));
  ipc::Channel kept = ipc::connect(path(), soon());
  kept.send(request("a"));
  EXPECT_EQ(kept.receive<client::FlushResult>().status, client::FlushStatus::ok);
  EXPECT_FALSE(kept.spoiled());
  EXPECT_EQ(*client::ask_flush(path(), request("b"), soon()), client::FlushStatus::ok);
  EXPECT_TRUE(kept.spoiled());
}

TEST_F(Streams, AConnectionInTheMiddleOfARequestDoesNotMakeWay) {
  start(replier(1));
  ipc::Channel busy = ipc::connect(path(), soon());
  busy.send(request("wait"));
  busy.flush();
  EXPECT_EQ(*client::ask_flush(path(), request("b"), soon()), client::FlushStatus::ok);
  EXPECT_EQ(busy.receive<client::FlushResult>().status, client::FlushStatus::ok);
}

TEST_F(Streams, AConnectionThatAsksNothingMakesWayForANewOne) {
  start(replier(1));
  const ipc::Channel silent = ipc::connect(path(), soon());
  const ipc::Channel another = ipc::connect(path(), soon());
  EXPECT_EQ(*client::ask_flush(path(), request("a"), io::Deadline::after(5s)), client::FlushStatus::ok);
}

TEST_F(Streams, AConnectionThatAsksNothingDoesNotKeepAProcess) {
  const pid_t child = start(replier(10));
  const ipc::Channel silent = ipc::connect(path(), soon());
  EXPECT_EQ(*client::ask_flush(path(), request("a"), soon()), client::FlushStatus::ok);
  let_go_of_child();
  EXPECT_EQ(wait_for_exit(child), 0);
}

TEST_F(Streams, KeptConnectionsDoNotKeepAProcess) {
  const pid_t child = start(replier(10));
  ipc::Channel kept = ipc::connect(path(), soon());
  kept.send(request("a"));
  (void)kept.receive<client::FlushResult>();
  let_go_of_child();
  EXPECT_EQ(wait_for_exit(child), 0);
  EXPECT_TRUE(kept.spoiled());
}

TEST_F(Streams, MasterHearsNothingOfRequestsThatFollowEachOther) {
  start(replier(1));
  ipc::Channel kept = ipc::connect(path(), soon());
  for (int i = 0; i < 100; ++i) {
    kept.send(request("a"));
    (void)kept.receive<client::FlushResult>();
  }
  EXPECT_EQ(next_status(), kTaken);
  int told = 1;
  int last = kTaken;
  for (int status; (status = next_status(200ms)) != -1; ++told) last = status;
  EXPECT_EQ(last, kAvailable);
  EXPECT_LT(told, 100) << "two for each request would be 200; a slow machine may make some";
}

TEST_F(Streams, ThePoolNoticesAServerThatWentAway) {
  const pid_t child = start(replier(10));
  ipc::Pool pool;
  auto lease = pool.acquire(path(), soon());
  lease.channel->send(request("a"));
  (void)lease.channel->receive<client::FlushResult>();
  pool.give_back(path(), std::move(lease.channel));
  let_go_of_child();
  EXPECT_EQ(wait_for_exit(child), 0);
  start(replier(10));
  auto again = pool.acquire(path(), soon());
  EXPECT_FALSE(again.reused);
}

}  // namespace
