// Processes that take triggers, datagrams and passed connections.

#include <sys/uio.h>

#include "client/qmgr_client.h"
#include "fake_master.h"
#include "ipc/channel.h"
#include "ipc/trigger.h"
#include "logging/log.h"
#include "service/passed.h"

namespace {

using namespace service_test;

class Listener : public service::Server {
 public:
  void triggered(std::string_view requests) override {
    logging::info("test.triggered", "letters {letters}", {{"letters", requests}});
    if (requests.contains('S')) io::sleep_until(io::Deadline::after(300ms));
  }
  void serve(service::Client client) override {
    ipc::Channel channel(std::move(client.fd));
    channel.set_deadline(soon());
    while (auto frame = channel.receive_frame_or_end()) {
      const auto message = ipc::Channel::understand<client::Arrived>(*frame);
      logging::info("test.arrived", "arrived {ids}", {{"ids", fmt::format("{}", fmt::join(message.queue_ids, ","))}});
    }
  }
  void datagram(std::string_view text) override { gathered_ += text; }
  void no_more_datagrams() override {
    if (!gathered_.empty()) logging::info("test.datagrams", "datagrams {text}", {{"text", gathered_}});
    gathered_.clear();
  }

 private:
  std::string gathered_;
};

service::Program listener(service::Clients clients) {
  return {.program = "listener", .clients = clients, .open = [](const service::Context&) {
            return std::make_unique<Listener>();
          }};
}

class Triggers : public FakeMaster {};

TEST_F(Triggers, LettersReachTheServer) {
  start(listener(service::Clients::triggers));
  ASSERT_TRUE(ipc::send_trigger(path(), "FADI", soon()));
  EXPECT_TRUE(log_has("letters FADI"));
}

TEST_F(Triggers, LettersThatComeMeanwhileAreGathered) {
  start(listener(service::Clients::triggers));
  ASSERT_TRUE(ipc::send_trigger(path(), "S", soon()));
  EXPECT_TRUE(log_has("letters S"));
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(ipc::send_trigger(path(), i % 2 == 0 ? "W" : "WI", soon()));
  EXPECT_TRUE(log_has("letters WI"));
  const std::string log = log_text();
  EXPECT_EQ(log.find("letters W"), log.rfind("letters W"));
}

TEST_F(Triggers, ASlowOrEmptyOrEndlessTriggerHarmsNobody) {
  start(listener(service::Clients::triggers));
  auto silent = connect();
  {
    auto empty = connect();
  }
  auto endless = connect();
  endless.write(std::string(3000, 'x'));
  try {
    endless.flush();
  } catch (const io::StreamError&) {
  }
  ASSERT_TRUE(ipc::send_trigger(path(), "W", soon()));
  EXPECT_TRUE(log_has("W"));
  EXPECT_TRUE(log_has("x"));
}

TEST_F(Triggers, MessagesGoToServe) {
  start(listener(service::Clients::triggers));
  client::QmgrClient qmgr(path());
  qmgr.arrived(*queue::Id::parse("ABC123"));
  qmgr.arrived(*queue::Id::parse("DEF456"));
  EXPECT_TRUE(log_has("arrived ABC123"));
  EXPECT_TRUE(log_has("arrived DEF456"));
}

TEST_F(Triggers, AFifoServesToo) {
  listen(Socket::fifo);
  start(listener(service::Clients::triggers), {"-t", "fifo"});
  ASSERT_TRUE(ipc::send_trigger(path(), "W", soon()));
  EXPECT_TRUE(log_has("letters W"));
}

TEST_F(Triggers, LettersOfTheLastClientAreStillServed) {
  const pid_t child = start(listener(service::Clients::triggers), {"-m", "1"});
  ASSERT_TRUE(ipc::send_trigger(path(), "W", soon()));
  EXPECT_EQ(wait_for_exit(child), 0);
  EXPECT_TRUE(log_text().contains("letters W"));
}

TEST_F(Triggers, NobodyThereIsAnError) {
  const auto sent = ipc::send_trigger(path(), "W", soon());
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().text, "connect to " + path() + ": No such file or directory");
}

class Datagrams : public FakeMaster {
 protected:
  void send(const std::string& text) {
    const base::Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const sockaddr_un address = address_of(path());
    EXPECT_EQ(
        ::sendto(fd.get(), text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&address), sizeof address),
        static_cast<ssize_t>(text.size()));
  }
};

TEST_F(Datagrams, ArriveInBatches) {
  listen(Socket::datagram);
  for (const char* text : {"one ", "two ", "three"}) send(text);
  start(listener(service::Clients::datagrams), {"-t", "unix-dgram"});
  EXPECT_TRUE(log_has("datagrams one two three"));
  send("");
  send("four");
  EXPECT_TRUE(log_has("datagrams four"));
}

TEST_F(Datagrams, ThoseThatWaitAreTakenBeforeTheEnd) {
  listen(Socket::datagram);
  const pid_t child = start(listener(service::Clients::datagrams), {"-t", "unix-dgram"});
  send("first");
  EXPECT_TRUE(log_has("datagrams first"));
  ::kill(child, SIGSTOP);
  send("last");
  let_go_of_child();
  ::kill(child, SIGCONT);
  EXPECT_EQ(wait_for_exit(child), 0);
  EXPECT_TRUE(log_text().contains("datagrams last"));
}

TEST_F(Datagrams, NeedASocketForThem) {
  EXPECT_EQ(wait_for_exit(start(listener(service::Clients::datagrams))), 1);
  EXPECT_TRUE(log_text().contains("service listener: listener cannot be a service of type unix"));
}

// --- passed connections

void pass(int to, int fd) {
  char byte = 0;
  iovec part{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  ASSERT_EQ(::sendmsg(to, &message, 0), 1);
}

constexpr std::string_view kList("client_name\0mx.test\0client_port\00025\0\0", 36);

class Passed : public ::testing::TestWithParam<bool> {
 protected:
  void send_list(std::string_view list = kList) {
    ASSERT_EQ(::write(link_.first.get(), list.data(), list.size()), std::ssize(list));
  }
  io::Pair link_ = io::socket_pair();
  io::Pair wire_ = io::socket_pair();
};

TEST_P(Passed, DescriptorAndAttributesComeInEitherOrder) {
  if (GetParam()) send_list();
  pass(link_.first.get(), wire_.second.get());
  if (!GetParam()) send_list();
  auto client = service::receive_passed(std::move(link_.second), soon());
  ASSERT_TRUE(client) << client.error().text;
  ASSERT_EQ(client->attributes.size(), 2u);
  EXPECT_EQ(client->attributes[0], std::pair(std::string("client_name"), std::string("mx.test")));
  EXPECT_EQ(client->attributes[1], std::pair(std::string("client_port"), std::string("25")));
  ASSERT_EQ(::write(client->fd.get(), "x", 1), 1);
  char byte = 0;
  EXPECT_EQ(::read(wire_.first.get(), &byte, 1), 1);
}
INSTANTIATE_TEST_SUITE_P(, Passed, ::testing::Bool());

TEST_F(Passed, ADescriptorAloneWillDo) {
  pass(link_.first.get(), wire_.second.get());
  link_.first.reset();
  const auto client = service::receive_passed(std::move(link_.second), soon());
  ASSERT_TRUE(client);
  EXPECT_TRUE(client->attributes.empty());
}

TEST_F(Passed, WithoutADescriptorThereIsNoClient) {
  send_list();
  link_.first.reset();
  EXPECT_FALSE(service::receive_passed(std::move(link_.second), soon()));
}

TEST_F(Passed, WhoSendsNothingIsNotWaitedForForEver) {
  const auto client = service::receive_passed(std::move(link_.second), io::Deadline::after(50ms));
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().text, "timed out");
}

TEST_F(Passed, BracesAroundTheListAreNoAttributes) {
  const auto list = service::parse_passed_attributes(std::string_view("{\0a\0b\0}\0\0", 10));
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 1u);
  EXPECT_EQ(list->front().second, "b");
  EXPECT_FALSE(service::parse_passed_attributes("half"));
}

}  // namespace
