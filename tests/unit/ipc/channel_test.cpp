#include "ipc/channel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include "io/fiber.h"
#include "io/socket.h"

namespace {

using namespace std::chrono_literals;

io::Deadline soon() {
  return io::Deadline::after(20s);
}

struct Part {
  std::string name;
  int number = 0;
  static void fields(auto& self, auto&& visit) { visit(self.name, self.number); }
  friend bool operator==(const Part&, const Part&) = default;
};
enum class Colour : unsigned char { red, green };
struct Everything {
  static constexpr ipc::Kind kind = ipc::Kind::bounce_notice;
  std::string text;
  bool flag = false;
  long number = 0;
  double fraction = 0;
  Colour colour = Colour::red;
  std::optional<std::string> maybe;
  std::vector<Part> parts;
  static void fields(auto& self, auto&& visit) {
    visit(self.text, self.flag, self.number, self.fraction, self.colour, self.maybe, self.parts);
  }
  friend bool operator==(const Everything&, const Everything&) = default;
};
Everything something() {
  return {std::string("a\0b", 3), true, -7, 0.5, Colour::green, "x", {{"one", 1}, {"", -2}}};
}
struct Other {
  static constexpr ipc::Kind kind = ipc::Kind::bounce_result;
  static void fields(auto&, auto&&) {}
};

TEST(Codec, WhatIsEncodedIsDecoded) {
  EXPECT_EQ(*ipc::decode<Everything>(ipc::encode(something())), something());
  EXPECT_EQ(*ipc::decode<Everything>(ipc::encode(Everything{})), Everything{});
}

TEST(Codec, EveryCutAndEveryAdditionIsAnError) {
  const std::string bytes = ipc::encode(something());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(ipc::decode<Everything>(std::string_view(bytes).substr(0, size))) << size;
  }
  EXPECT_FALSE(ipc::decode<Everything>(bytes + '\0'));
}

TEST(Codec, ALengthBeyondTheEndTakesNoMemory) {
  std::string bytes = ipc::encode(Everything{});
  bytes.replace(bytes.size() - 4, 4, "\xff\xff\xff\x7f");  // the number of parts
  EXPECT_FALSE(ipc::decode<Everything>(bytes));
}

TEST(Codec, ABoolIsZeroOrOne) {
  std::string bytes = ipc::encode(Everything{});
  bytes[4] = 2;
  EXPECT_FALSE(ipc::decode<Everything>(bytes));
}

class ChannelTest : public ::testing::Test {
 protected:
  ChannelTest() {
    a.set_deadline(soon());
    b.set_deadline(soon());
  }
  void send_raw(std::string_view bytes) {
    a.stream().write(bytes);
    a.flush();
  }
  io::Pair pair = io::socket_pair();
  ipc::Channel a{std::move(pair.first)};
  ipc::Channel b{std::move(pair.second)};
};

TEST_F(ChannelTest, MessagesArriveInOrder) {
  a.send(something());
  a.send(Other{});
  a.flush();
  EXPECT_EQ(b.receive<Everything>(), something());
  EXPECT_NO_THROW(b.receive<Other>());
}

TEST_F(ChannelTest, AFrameOfAnyUsualSizeIsOneSend) {
  Everything large;
  large.text.assign(100'000, 'x');
  const int space = 1'000'000;
  ::setsockopt(a.stream().fd(), SOL_SOCKET, SO_SNDBUF, &space, sizeof space);
  a.send(large);
  a.flush();
  EXPECT_EQ(b.receive<Everything>(), large);
}

TEST_F(ChannelTest, AnotherKindThanAskedForEndsTheConversation) {
  a.send(Other{});
  a.flush();
  EXPECT_THROW(b.receive<Everything>(), io::StreamError);
}

TEST_F(ChannelTest, TextIsNoMessage) {
  send_raw("QUIT\r\nQUIT\r\n");
  EXPECT_THROW(b.receive_frame(), io::StreamError);
}

TEST_F(ChannelTest, AnotherVersionIsAnError) {
  send_raw(std::string_view("\1\2\1\0\0\0\0\0", 8));
  EXPECT_THROW(b.receive_frame(), io::StreamError);
}

TEST_F(ChannelTest, AnAnnouncementOfMuchIsRefusedBeforeItComes) {
  send_raw(std::string_view("\1\1\1\0\xff\xff\xff\xff", 8));
  try {
    (void)b.receive_frame();
    FAIL();
  } catch (const io::StreamError& error) {
    EXPECT_EQ(error.kind(), io::StreamError::Kind::too_long);
  }
}

TEST_F(ChannelTest, NothingLongerThanThePeerTakesIsSent) {
  Everything endless;
  endless.text.assign(ipc::kLargestFrame, 'x');
  EXPECT_THROW(a.send(endless), io::StreamError);
}

TEST_F(ChannelTest, TheEndBetweenFramesIsNoError) {
  a.send(Other{});
  a.flush();
  {
    const ipc::Channel gone = std::move(a);
  }
  EXPECT_TRUE(b.receive_frame_or_end());
  EXPECT_FALSE(b.receive_frame_or_end());
}

TEST_F(ChannelTest, TheEndWithinAFrameIsAnError) {
  send_raw(std::string_view("\1\1\1", 3));
  {
    const ipc::Channel gone = std::move(a);
  }
  EXPECT_THROW(b.receive_frame_or_end(), io::StreamError);
}

TEST_F(ChannelTest, ASilentPeerIsNotWaitedForForEver) {
  b.set_deadline(io::Deadline::after(20ms));
  EXPECT_THROW(b.receive_frame(), io::StreamError);
}

TEST_F(ChannelTest, HalfARequestIsNotWaitedForForEver) {
  b.set_deadline(io::Deadline::never());
  a.send(Other{});
  a.flush();
  EXPECT_TRUE(b.receive_frame_or_end(20ms));
  EXPECT_EQ(b.stream().deadline().time(), io::Deadline::never().time());
  send_raw("\1");
  EXPECT_THROW(b.receive_frame_or_end(20ms), io::StreamError);
}

TEST_F(ChannelTest, AnIdleConnectionIsSpoiledByInputAndByItsEnd) {
  EXPECT_FALSE(b.spoiled());
  send_raw("x");
  EXPECT_TRUE(b.spoiled());
}

TEST_F(ChannelTest, AnIdleConnectionIsSpoiledByItsEnd) {
  {
    const ipc::Channel gone = std::move(a);
  }
  EXPECT_TRUE(b.spoiled());
}

class Observer final : public ipc::IdleObserver {
 public:
  Observer() { ipc::set_idle_observer(this); }
  ~Observer() { ipc::set_idle_observer(nullptr); }
  bool idle(int) override { return ++idle_times, !refuses; }
  void resumed(int) noexcept override { ++resumed_times; }
  int idle_times = 0;
  int resumed_times = 0;
  bool refuses = false;
};

TEST_F(ChannelTest, OnlyTheTimeBetweenTwoRequestsIsIdle) {
  Observer observer;
  a.send(Other{});
  a.flush();
  EXPECT_TRUE(b.receive_frame_or_end());
  EXPECT_EQ(observer.idle_times, 0) << "before the first request the peer does not know that it must connect again";
  a.send(Other{});
  a.flush();
  EXPECT_TRUE(b.receive_frame_or_end());
  EXPECT_EQ(observer.idle_times, 1);
  EXPECT_EQ(observer.resumed_times, 1);
  observer.refuses = true;
  EXPECT_FALSE(b.receive_frame_or_end());
}

class PoolTest : public ::testing::Test {
 protected:
  PoolTest() {
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    path_ = folder_ + "/socket";
    listener_ = std::move(*io::listen({io::Endpoint::Type::unix_stream, "", "", path_}));
  }
  ~PoolTest() override { std::filesystem::remove_all(folder_); }
  ipc::Channel accept() { return ipc::Channel(std::move(*io::accept(listener_.get(), soon()))); }

  std::string folder_ = "/tmp/ipc_test_XXXXXX";
  std::string path_;
  base::Fd listener_;
};

TEST_F(PoolTest, AConnectionIsUsedAgain) {
  ipc::Pool pool;
  auto first = pool.acquire(path_, soon());
  EXPECT_FALSE(first.reused);
  const int fd = first.channel->stream().fd();
  const auto server = accept();
  pool.give_back(path_, std::move(first.channel));
  const auto second = pool.acquire(path_, soon());
  EXPECT_TRUE(second.reused);
  EXPECT_EQ(second.channel->stream().fd(), fd);
}

TEST_F(PoolTest, OneThatThePeerClosedIsNot) {
  ipc::Pool pool;
  auto first = pool.acquire(path_, soon());
  {
    const auto server = accept();
  }
  pool.give_back(path_, std::move(first.channel));
  EXPECT_FALSE(pool.acquire(path_, soon()).reused);
}

TEST_F(PoolTest, NorOneThatWasIdleForTooLong) {
  ipc::Pool pool(10ms);
  auto first = pool.acquire(path_, soon());
  const auto server = accept();
  pool.give_back(path_, std::move(first.channel));
  io::sleep_until(io::Deadline::after(20ms));
  pool.drop_idle();
  EXPECT_EQ(pool.idle(), 0u);
  EXPECT_FALSE(pool.acquire(path_, soon()).reused);
}

TEST_F(PoolTest, AFreshOneCanBeAskedFor) {
  ipc::Pool pool;
  auto first = pool.acquire(path_, soon());
  const auto server = accept();
  pool.give_back(path_, std::move(first.channel));
  EXPECT_FALSE(pool.acquire(path_, soon(), ipc::Pool::Freshness::fresh).reused);
}

TEST_F(PoolTest, PathsAreKeptApart) {
  ipc::Pool pool;
  auto first = pool.acquire(path_, soon());
  const auto server = accept();
  pool.give_back(path_, std::move(first.channel));
  EXPECT_THROW(pool.acquire(folder_ + "/other", soon()), io::StreamError);
}

}  // namespace
