#include "master/sockets.h"

#include <fmt/format.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "master/listener.h"

namespace {

using master::Endpoint;

Endpoint inet(std::string address, int port) {
  Endpoint endpoint{};
  endpoint.kind = Endpoint::Kind::inet;
  endpoint.is_ipv6 = address.contains(':');
  endpoint.address = std::move(address);
  endpoint.port = port;
  return endpoint;
}

Endpoint local(std::string path, Endpoint::Kind kind = Endpoint::Kind::unix_stream) {
  Endpoint endpoint{};
  endpoint.kind = kind;
  endpoint.path = std::move(path);
  return endpoint;
}

TEST(SocketChange, WhatIsInBothStays) {
  const auto change =
      master::difference({inet("0.0.0.0", 25), local("public/a")}, {local("public/a"), local("public/b")});
  ASSERT_EQ(change.removed.size(), 1u);
  EXPECT_EQ(change.removed[0].text(), "0.0.0.0:25");
  ASSERT_EQ(change.added.size(), 1u);
  EXPECT_EQ(change.added[0].text(), "public/b");
}

TEST(SocketChange, ASocketThatBecomesAFifoIsAnotherPlace) {
  const auto change = master::difference({local("public/a")}, {local("public/a", Endpoint::Kind::fifo)});
  EXPECT_EQ(change.removed.size(), 1u);
  EXPECT_EQ(change.added.size(), 1u);
}

TEST(SocketChange, APortIsInTheWayOfItselfOnly) {
  EXPECT_TRUE(master::is_in_the_way(inet("0.0.0.0", 25), inet("127.0.0.1", 25)));
  EXPECT_FALSE(master::is_in_the_way(inet("0.0.0.0", 25), inet("127.0.0.1", 26)));
  EXPECT_FALSE(master::is_in_the_way(inet("::", 25), inet("127.0.0.1", 25)));
  EXPECT_TRUE(master::is_in_the_way(local("public/a"), local("public/a", Endpoint::Kind::fifo)));
}

// In a folder of its own, as the queue directory.
class Sockets : public testing::Test {
 protected:
  void SetUp() override {
    before_ = std::filesystem::current_path();
    folder_ = std::filesystem::temp_directory_path() / fmt::format("unit_master.{}", ::getpid());
    std::filesystem::create_directories(folder_ / "public");
    std::filesystem::current_path(folder_);
  }
  void TearDown() override {
    std::filesystem::current_path(before_);
    std::filesystem::remove_all(folder_);
  }
  std::expected<void, base::Error> adopt(const std::vector<Endpoint>& wanted) {
    auto prepared = sockets_.prepare(wanted, std::nullopt);
    if (prepared) errors_ = sockets_.commit();
    return prepared;
  }
  static bool answers(const char* path) {
    const base::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::string_view(path).copy(address.sun_path, sizeof address.sun_path - 1);
    return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }

  master::Sockets sockets_;
  std::vector<base::Error> errors_;
  std::filesystem::path before_;
  std::filesystem::path folder_;
};

TEST_F(Sockets, EveryoneMayConnect) {
  ASSERT_TRUE(adopt({local("public/a")}));
  EXPECT_TRUE(answers("public/a"));
  EXPECT_EQ(std::filesystem::status("public/a").permissions(), std::filesystem::perms(0666));
}

TEST_F(Sockets, AKeptSocketIsTheSameDescriptor) {
  ASSERT_TRUE(adopt({local("public/a")}));
  const int fd = sockets_.descriptor_of(local("public/a"));
  ASSERT_TRUE(adopt({local("public/a"), local("public/b")}));
  EXPECT_EQ(sockets_.descriptor_of(local("public/a")), fd);
  EXPECT_TRUE(answers("public/b"));
}

TEST_F(Sockets, ARemovedSocketIsGoneEvenForItsCopies) {
  ASSERT_TRUE(adopt({local("public/a")}));
  const base::Fd copy(::dup(sockets_.descriptor_of(local("public/a"))));
  ASSERT_TRUE(adopt({}));
  EXPECT_FALSE(std::filesystem::exists("public/a"));
  EXPECT_EQ(::accept(copy.get(), nullptr, nullptr), -1);
}

TEST_F(Sockets, ALeftoverOfAnEarlierMasterIsReplaced) {
  {
    const auto old = master::listen_at(local("public/a"), std::nullopt);
  }
  EXPECT_FALSE(answers("public/a"));
  ASSERT_TRUE(adopt({local("public/a")}));
  EXPECT_TRUE(answers("public/a"));
}

TEST_F(Sockets, AFileInTheWayIsNeverRemoved) {
  std::ofstream("public/a") << "precious";
  const auto adopted = adopt({local("public/b"), local("public/a")});
  ASSERT_FALSE(adopted);
  EXPECT_EQ(adopted.error().text, "remove old socket public/a: File exists");
  EXPECT_EQ(std::filesystem::file_size("public/a"), 8u);
  EXPECT_FALSE(std::filesystem::exists("public/b")) << "what was prepared is undone";
}

TEST_F(Sockets, ASocketMayBecomeAFifo) {
  ASSERT_TRUE(adopt({local("public/a")}));
  ASSERT_TRUE(adopt({local("public/a", Endpoint::Kind::fifo)}));
  EXPECT_TRUE(errors_.empty());
  EXPECT_TRUE(std::filesystem::is_fifo("public/a"));
}

TEST_F(Sockets, ASocketThatSomeoneRemovedIsMadeAnew) {
  ASSERT_TRUE(adopt({local("public/a")}));
  std::filesystem::remove("public/a");
  ASSERT_TRUE(adopt({local("public/a")}));
  EXPECT_TRUE(answers("public/a"));
}

TEST_F(Sockets, AWildcardGivesWayToAnAddressOfItsPort) {
  // A port that is free now; nobody else here takes it within the test.
  int port = 0;
  for (int tried = 20000 + ::getpid() % 10000; port == 0; ++tried) {
    if (adopt({inet("0.0.0.0", tried)})) port = tried;
  }
  const base::Fd copy(::dup(sockets_.descriptor_of(inet("0.0.0.0", port))));
  ASSERT_TRUE(adopt({inet("127.0.0.1", port)}));
  EXPECT_TRUE(errors_.empty()) << errors_.front().text;
  EXPECT_GE(sockets_.descriptor_of(inet("127.0.0.1", port)), 0);
  EXPECT_EQ(sockets_.descriptor_of(inet("0.0.0.0", port)), -1);
}

TEST_F(Sockets, APortOfSomeoneElseIsAnErrorThatChangesNothing) {
  int port = 0;
  master::Sockets others;
  for (int tried = 20000 + ::getpid() % 10000; port == 0; ++tried) {
    if (others.prepare({inet("127.0.0.1", tried)}, std::nullopt)) port = tried;
  }
  ASSERT_TRUE(adopt({local("public/a")}));
  const auto adopted = adopt({local("public/b"), inet("127.0.0.1", port)});
  ASSERT_FALSE(adopted);
  EXPECT_EQ(adopted.error().text, fmt::format("bind 127.0.0.1:{}: Address already in use", port));
  EXPECT_TRUE(answers("public/a"));
}

}  // namespace
