#include "io/socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstdlib>

#include "both_ways.h"

namespace {

using namespace io_test;
using io::Endpoint;

Endpoint inet(std::string_view text) {
  return *io::parse_endpoint(text);
}
Endpoint unix_at(const std::string& path) {
  return {Endpoint::Type::unix_stream, "", "", path};
}

int option(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  ::getsockopt(fd, level, name, &value, &size);
  return value;
}

bool non_blocking_and_close_on_exec(int fd) {
  return (::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0 && (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

class Folder {
 public:
  Folder() { EXPECT_NE(::mkdtemp(name_.data()), nullptr); }
  ~Folder() { EXPECT_EQ(std::system(("rm -r " + name_).c_str()), 0); }
  std::string operator/(const std::string& name) const { return name_ + "/" + name; }

 private:
  std::string name_ = "/tmp/io_socket_test_XXXXXX";
};

POSTRIDER_BOTH_WAYS(SocketBothWays);

TEST_P(SocketBothWays, ConnectsListensAndAccepts) {
  run([] {
    const auto listener = io::listen(inet("127.0.0.1:0"));
    ASSERT_TRUE(listener) << listener.error().text;
    const auto client = io::connect(where(*listener), later());
    ASSERT_TRUE(client) << client.error().text;
    const auto server = io::accept(listener->get(), later());
    ASSERT_TRUE(server);
    for (const int fd : {listener->get(), client->get(), server->get()}) {
      EXPECT_TRUE(non_blocking_and_close_on_exec(fd));
    }
    EXPECT_EQ(option(client->get(), IPPROTO_TCP, TCP_NODELAY), 1);
    EXPECT_EQ(option(server->get(), IPPROTO_TCP, TCP_NODELAY), 1);
    ASSERT_EQ(::send(client->get(), "x", 1, 0), 1);
    EXPECT_EQ(io::wait_readable(server->get(), later()), io::Wakeup::ready);
  });
}

TEST_P(SocketBothWays, IPv6ListenersTakeNoIPv4) {
  run([] {
    const auto six = io::listen(inet("[::]:0"));
    if (!six) GTEST_SKIP() << "no IPv6 here: " << six.error().text;
    EXPECT_EQ(option(six->get(), IPPROTO_IPV6, IPV6_V6ONLY), 1);
    EXPECT_TRUE(io::connect(where(*six, "::1"), later()));
  });
}

TEST_P(SocketBothWays, ANameIsLookedUpAndEachAddressTried) {
  run([] {
    if (::gethostbyname("localhost") == nullptr) GTEST_SKIP() << "nobody here knows localhost";
    const auto listener = io::listen(inet("127.0.0.1:0"));
    const auto client = io::connect(where(*listener, "localhost"), later());  // ::1 may come first, and refuses
    EXPECT_TRUE(client) << client.error().text;
  });
}

TEST_P(SocketBothWays, ARefusalNamesHostAddressAndPort) {
  run([] {
    Endpoint nobody;
    {
      const auto listener = io::listen(inet("127.0.0.1:0"));
      nobody = where(*listener);
    }
    const auto client = io::connect(nobody, later());
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().text, "connect to 127.0.0.1[127.0.0.1]:" + nobody.port + ": Connection refused");
  });
}

TEST_P(SocketBothWays, AnUnknownNameIsAnError) {
  run([] {
    const auto client = io::connect(inet("no-such-host.invalid:25"), later());
    ASSERT_FALSE(client);
    EXPECT_TRUE(
        client.error().text.starts_with("connect to no-such-host.invalid: look up no-such-host.invalid port 25: "));
    EXPECT_FALSE(io::connect(inet("127.0.0.1:no-such-service"), later()));
  });
}

TEST_P(SocketBothWays, APortInUseIsAnError) {
  run([] {
    const auto listener = io::listen(inet("127.0.0.1:0"));
    const auto second = io::listen(where(*listener));
    ASSERT_FALSE(second);
    EXPECT_TRUE(second.error().text.ends_with(": Address already in use")) << second.error().text;
  });
}

// A listener whose queue is full lets the connection hang, as a dead host would.
TEST_P(SocketBothWays, ConnectingEndsAtTheDeadline) {
  run([] {
    const auto listener = io::listen(inet("127.0.0.1:0"), 0);
    std::vector<base::Fd> others;
    std::string problem;
    for (int i = 0; i < 10 && problem.empty(); ++i) {
      auto fd = io::connect(where(*listener), io::Deadline::after(50ms));
      if (fd) {
        others.push_back(std::move(*fd));
      } else {
        problem = fd.error().text;
      }
    }
    EXPECT_TRUE(problem.ends_with(": Connection timed out")) << problem;
    EXPECT_LT(others.size(), 10U);
  });
}

TEST_P(SocketBothWays, AFullUnixListenerIsWaitedForUntilTheDeadline) {
  run([] {
    const Folder folder;
    const auto listener = io::listen(unix_at(folder / "socket"), 0);
    ASSERT_TRUE(listener);
    const auto first = io::connect(unix_at(folder / "socket"), later());
    ASSERT_TRUE(first);
    const auto hanging = io::connect(unix_at(folder / "socket"), soon());
    ASSERT_FALSE(hanging);
    EXPECT_TRUE(hanging.error().text.ends_with(": Connection timed out")) << hanging.error().text;
    Peer peer([&] {
      io::sleep_until(soon());
      EXPECT_TRUE(*io::accept(listener->get(), later()));
    });
    EXPECT_TRUE(io::connect(unix_at(folder / "socket"), later()));
  });
}

TEST_P(SocketBothWays, AcceptingEndsAtTheDeadline) {
  run([] {
    const auto listener = io::listen(inet("127.0.0.1:0"));
    const auto client = io::accept(listener->get(), soon());
    ASSERT_TRUE(client);
    EXPECT_EQ(client->get(), -1);
  });
}

TEST_P(SocketBothWays, AClientThatComesLaterIsAccepted) {
  run([] {
    const auto listener = io::listen(inet("127.0.0.1:0"));
    for (int i = 0; i < 3; ++i) {
      Peer peer([&] {
        io::sleep_until(io::Deadline::after(5ms));
        EXPECT_TRUE(io::connect(where(*listener), later()));
      });
      EXPECT_TRUE(*io::accept(listener->get(), later()));
    }
  });
}

TEST_P(SocketBothWays, AcceptingWithoutDescriptorsLeftIsAnErrorAndTheClientIsNotLost) {
  run([] {
    const auto listener = io::listen(inet("127.0.0.1:0"));
    const auto client = io::connect(where(*listener), later());
    ASSERT_EQ(io::wait_readable(listener->get(), later()), io::Wakeup::ready);
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const rlimit none{0, before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
    const auto refused = io::accept(listener->get(), later());
    ::setrlimit(RLIMIT_NOFILE, &before);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().text, "accept: Too many open files");
    EXPECT_TRUE(*io::accept(listener->get(), later()));
  });
}

TEST_P(SocketBothWays, AcceptingOnWhatIsNoListenerIsAnError) {
  run([] {
    const io::Pair pair = io::socket_pair();
    EXPECT_FALSE(io::accept(pair.first.get(), later()));
    EXPECT_FALSE(io::accept(-1, later()));
  });
}

TEST_P(SocketBothWays, AUnixSocketThatNoOneListensOnIsReplaced) {
  run([] {
    const Folder folder;
    const Endpoint endpoint = unix_at(folder / "socket");
    {
      ASSERT_TRUE(io::listen(endpoint));
    }
    const auto listener = io::listen(endpoint);
    ASSERT_TRUE(listener) << listener.error().text;
    EXPECT_TRUE(io::connect(endpoint, later()));
    EXPECT_TRUE(*io::accept(listener->get(), later()));
  });
}

TEST_P(SocketBothWays, AUnixSocketInUseIsLeftAlone) {
  run([] {
    const Folder folder;
    const Endpoint endpoint = unix_at(folder / "socket");
    const auto listener = io::listen(endpoint, 0);
    ASSERT_TRUE(listener);
    for (int i = 0; i < 3; ++i) {  // also with its queue full
      const auto second = io::listen(endpoint);
      ASSERT_FALSE(second);
      EXPECT_EQ(second.error().text, "listen on " + endpoint.path + ": Address already in use");
    }
    EXPECT_TRUE(*io::accept(listener->get(), later()));
  });
}

TEST_P(SocketBothWays, WhatIsNoSocketIsNeverReplaced) {
  run([] {
    const Folder folder;
    const std::string path = folder / "file";
    {
      const base::Fd file(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    }
    EXPECT_FALSE(io::listen(unix_at(path)));
    ASSERT_EQ(::symlink("nowhere", (folder / "link").c_str()), 0);
    EXPECT_FALSE(io::listen(unix_at(folder / "link")));
    struct stat info{};
    EXPECT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(::lstat((folder / "link").c_str(), &info), 0);
  });
}

TEST_P(SocketBothWays, UnixPathsThatCannotBeAreErrors) {
  run([] {
    EXPECT_FALSE(io::listen(unix_at("")));
    EXPECT_FALSE(io::listen(unix_at("/" + std::string(107, 'x'))));
    EXPECT_FALSE(io::connect(unix_at("/" + std::string(107, 'x')), later()));
    EXPECT_FALSE(io::listen(unix_at("/nonexistent/socket")));
    const auto client = io::connect(unix_at("/nonexistent/socket"), later());
    EXPECT_EQ(client.error().text, "connect to /nonexistent/socket: No such file or directory");
  });
}

TEST(Socket, AFloodOfClientsDoesNotKeepTheOthersFromRunning) {
  in_a_fiber([] {
    const auto listener = io::listen(inet("127.0.0.1:0"), 200);
    std::vector<base::Fd> clients;
    for (int i = 0; i < 100; ++i) clients.push_back(std::move(*io::connect(where(*listener), later())));
    int accepted = 0;
    int accepted_when_the_other_ran = -1;
    const auto other = io::spawn("other", [&] { accepted_when_the_other_ran = accepted; });
    for (; accepted < 100; ++accepted) ASSERT_TRUE(*io::accept(listener->get(), later()));
    EXPECT_GE(accepted_when_the_other_ran, 0);
    EXPECT_LT(accepted_when_the_other_ran, 50);
  });
}

}  // namespace
