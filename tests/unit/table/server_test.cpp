// tcp and socketmap tables against servers that are scripted: what they are sent, what they answer, what comes of it.
// The warnings and outcomes are those of Postfix 3.7.11.
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "asking.h"
#include "io/fiber.h"
#include "io/socket.h"

namespace table {
namespace {

// Answers each request on each connection with the next of its replies; after the last it says nothing more. An empty
// reply ends the connection.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::vector<std::string> replies) : replies_(std::move(replies)) {
    listener_ = std::move(*io::listen(*io::parse_endpoint("inet:127.0.0.1:0")));
    struct sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(listener_.get(), reinterpret_cast<struct sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~ScriptedServer() {
    stop_ = true;
    thread_.join();
  }

  std::string tcp() const { return "tcp:127.0.0.1:" + std::to_string(port_); }
  std::string socketmap() const { return "socketmap:inet:127.0.0.1:" + std::to_string(port_) + ":nm"; }
  std::string received() {
    const std::lock_guard lock(mutex_);
    return received_;
  }
  int connections() const { return connections_; }
  // Text with the port, as messages have it.
  std::string here(std::string text) const {
    for (auto at = text.find(":P"); at != std::string::npos; at = text.find(":P"))
      text.replace(at + 1, 1, std::to_string(port_));
    return text;
  }

 private:
  bool wait_for(int fd) const {
    struct pollfd waiting{fd, POLLIN, 0};
    while (!stop_) {
      if (::poll(&waiting, 1, 20) > 0) return true;
    }
    return false;
  }

  void serve() {
    std::vector<std::thread> clients;
    while (wait_for(listener_.get())) {
      base::Fd client(::accept(listener_.get(), nullptr, nullptr));
      ++connections_;
      clients.emplace_back([this, fd = std::move(client)] { answer(fd.get()); });
    }
    for (std::thread& client : clients) client.join();
  }

  void answer(int client) {
    char chunk[20000];
    while (wait_for(client)) {
      const ssize_t got = ::read(client, chunk, sizeof chunk);
      if (got <= 0) return;
      const std::lock_guard lock(mutex_);
      received_.append(chunk, static_cast<std::size_t>(got));
      if (next_ == replies_.size()) continue;
      const std::string& reply = replies_[next_++];
      if (reply.empty() || ::write(client, reply.data(), reply.size()) < 0) {
        ::shutdown(client, SHUT_RDWR);
        return;
      }
    }
  }

  std::vector<std::string> replies_;
  std::size_t next_ = 0;
  base::Fd listener_;
  int port_ = 0;
  std::atomic<bool> stop_ = false;
  std::atomic<int> connections_ = 0;
  std::mutex mutex_;
  std::string received_;
  std::thread thread_;
};

struct Case {
  std::string reply;
  std::string answer;
  std::string warning;
};

TEST(TcpTable, TheRequestIsEncoded) {
  ScriptedServer server({"200 x%20y%2b\n"});
  EXPECT_EQ(ask(server.tcp(), "a b%\x01\xc3\xa9"), "x y+");
  EXPECT_EQ(server.received(), "get a%20b%25%01%C3%A9\n");
}

TEST(TcpTable, RepliesMeanWhatTheyMeanToPostfix) {
  const std::string failed = "ERROR table tcp:127.0.0.1:P: query error: ";
  const std::string bad = "read TCP map reply from 127.0.0.1:P: ";
  const Case cases[] = {
      {"200 x y\n", "x y", ""},
      {"200  x\n", " x", ""},
      {"200\tx\n", "x", ""},
      {"200 x\r\n", "x\r", ""},
      {"200 \n", "", ""},
      {"500 nope\n", std::string(kNothing), ""},
      {"400 try%20later\n", failed + "try later", ""},
      {"200\n", failed + "malformed reply: 200", bad + "malformed reply: 200"},
      {"500\n", failed + "malformed reply: 500", bad + "malformed reply: 500"},
      {"300 x\n", failed + "bad status code: 300 x", bad + "bad status code: 300 x"},
      {"foo\n", failed + "malformed reply: foo", bad + "malformed reply: foo"},
      {"200x\n", failed + "malformed reply: 200x", bad + "malformed reply: 200x"},
      {"2000 x\n", failed + "malformed reply: 2000 x", bad + "malformed reply: 2000 x"},
      {" 200 x\n", failed + "malformed reply:  200 x", bad + "malformed reply:  200 x"},
      {"200 x%zz\n", failed + "malformed reply: 200 x%zz", bad + "malformed reply: 200 x%zz"},
      {"200 x%2\n", failed + "malformed reply: 200 x%2", bad + "malformed reply: 200 x%2"},
      {"200 a%00b\n", failed + "malformed reply: 200 a%00b", bad + "malformed reply: 200 a%00b"},
      {"200 " + std::string(4091, 'x') + "\n", std::string(4091, 'x'), ""},
      {"200 " + std::string(4092, 'x') + "\n", failed + "input exceeds size limit", bad + "input exceeds size limit"},
      {"", failed + "unexpected disconnect", bad + "unexpected disconnect"},
  };
  for (const Case& expected : cases) {
    SCOPED_TRACE(expected.reply.substr(0, 100));
    const logging::Capture capture;
    ScriptedServer server({expected.reply});
    EXPECT_EQ(ask(server.tcp(), "a"), server.here(expected.answer));
    EXPECT_EQ(warnings(capture, ""), server.here(expected.warning));
  }
}

TEST(SocketMap, RepliesMeanWhatTheyMeanToPostfix) {
  const std::string table = "socketmap:inet:127.0.0.1:P:nm";
  const std::string failed = "ERROR table " + table + ": query error: ";
  const std::string lookup = "table " + table + " lookup error: ";
  const auto refused = [&](const std::string& what) { return Case{"", failed + what, table + " " + what}; };
  const auto broken = [&](const std::string& what) { return Case{"", failed + what, lookup + what}; };
  const auto with = [](std::string reply, Case rest) {
    rest.reply = std::move(reply);
    return rest;
  };
  const std::string nothing(kNothing);
  const Case cases[] = {
      {"7:OK x y ,", "x y ", ""},
      {"3:OK ,", "", ""},
      {"2:OK,", nothing, ""},
      {"04:OK x,", "x", ""},
      {"5:OK  x,", " x", ""},
      {"9:NOTFOUND ,", nothing, ""},
      {"8:NOTFOUND,", nothing, ""},
      {"10:NOTFOUND x,", nothing, ""},
      with("8:TEMP foo,", refused("socketmap server temporary error: foo")),
      with("4:TEMP,", refused("socketmap server temporary error")),
      with("11:TIMEOUT foo,", refused("socketmap server timeout error: foo")),
      with("8:PERM foo,", refused("socketmap server permanent error: foo")),
      with("5:PERM ,", refused("socketmap server permanent error")),
      with("3:FOO,", refused("socketmap server unknown error")),
      with("4:ok x,", refused("socketmap server unknown error: x")),
      with("0:,", refused("socketmap server unknown error")),
      with("7:TEMP foo,", broken("input format error")),
      with("x", broken("input format error")),
      with(" 4:OK x,", broken("input format error")),
      with(":OK", broken("input format error")),
      with("4:OK x;", broken("input format error")),
      with("100001:OK ", broken("input exceeds size limit")),
      with("99999999999999999999:OK", broken("input exceeds size limit")),
      {"100000:OK " + std::string(99997, 'x') + ",", std::string(99997, 'x'), ""},
      with("", broken("unexpected disconnect")),
  };
  for (const Case& expected : cases) {
    SCOPED_TRACE(expected.reply.substr(0, 100));
    const logging::Capture capture;
    ScriptedServer server({expected.reply});
    EXPECT_EQ(ask(server.socketmap(), "a"), server.here(expected.answer));
    EXPECT_EQ(warnings(capture, ""), server.here(expected.warning));
    EXPECT_EQ(server.received(), "4:nm a,");
  }
}

TEST(SocketMap, APermanentErrorIsMarkedSo) {
  const logging::Capture silence;
  ScriptedServer server({"5:PERM ,", "5:TEMP ,"});
  const auto table = *open(server.socketmap(), without_utf8());
  EXPECT_TRUE(table->lookup("a").error().permanent);
  EXPECT_FALSE(table->lookup("a").error().permanent);
}

TEST(SocketMap, AQueryThatNoServerNeedAcceptIsNotSent) {
  const logging::Capture silence;
  ScriptedServer server({"4:OK x,"});
  EXPECT_TRUE(ask(server.socketmap(), std::string(10000, 'a')).ends_with(": query error: query exceeds size limit"));
  EXPECT_EQ(server.connections(), 0);
}

TEST(SocketMap, NamesThatAreNoServerAreRefused) {
  EXPECT_EQ(ask("socketmap:foo", "a"), "ERROR socketmap requires server:socketmap argument");
  EXPECT_EQ(ask("socketmap:unix:/nonexist", "a"), "ERROR need service transport:endpoint instead of \"unix\"");
  EXPECT_EQ(ask("socketmap:127.0.0.1:1:n", "a"), "ERROR invalid transport name: 127.0.0.1 in service: 127.0.0.1:1");
  EXPECT_TRUE(ask("socketmap:inet:127.0.0.1:1", "a").starts_with("ERROR socketmap:inet:127.0.0.1:1: "));
  EXPECT_TRUE(ask("tcp:foo", "a").starts_with("ERROR tcp:foo: "));
}

TEST(SocketMap, NobodyListens) {
  const logging::Capture capture;
  EXPECT_EQ(ask("socketmap:unix:/nonexistent/socket:n", "a"),
            "ERROR table socketmap:unix:/nonexistent/socket:n: query error: No such file or directory");
  EXPECT_EQ(ask("tcp:127.0.0.1:1", "a"), "ERROR table tcp:127.0.0.1:1: query error: Connection refused");
  EXPECT_TRUE(capture.contains("connect to TCP map 127.0.0.1:1: Connection refused"));
}

TEST(ServerTables, TheConnectionIsKept) {
  ScriptedServer server({"200 1\n", "500 no\n", "200 3\n"});
  const auto table = *open(server.tcp(), without_utf8());
  EXPECT_EQ(told(table->lookup("a")), "1");
  EXPECT_EQ(told(table->lookup("b")), kNothing);
  EXPECT_EQ(told(table->lookup("c")), "3");
  EXPECT_EQ(server.connections(), 1);
}

TEST(ServerTables, AStaleConnectionIsMadeAgainOnce) {
  ScriptedServer server({"4:OK 1,", "", "4:OK 2,"});
  const auto table = *open(server.socketmap(), without_utf8());
  EXPECT_EQ(told(table->lookup("a")), "1");
  EXPECT_EQ(told(table->lookup("a")), "2");
  EXPECT_EQ(server.connections(), 2);
}

TEST(ServerTables, AFreshConnectionIsNotTriedTwice) {
  const logging::Capture silence;
  ScriptedServer server({"", "4:OK 2,"});
  EXPECT_TRUE(ask(server.socketmap(), "a").ends_with("unexpected disconnect"));
  EXPECT_EQ(server.connections(), 1);
}

TEST(ServerTables, ASilentServerIsGivenUp) {
  const logging::Capture silence;
  ScriptedServer server({});
  Settings settings = without_utf8();
  settings.network_timeout = base::Seconds(1);
  EXPECT_TRUE(ask(server.tcp(), "a", settings).ends_with("query error: time limit exceeded"));
}

TEST(ServerTables, FibersThatAskAtTheSameTimeDoNotMixTheirAnswers) {
  ScriptedServer first({"4:OK 1,", "4:OK 2,", "4:OK 3,"});
  io::Loop loop;
  const auto table = *open(first.socketmap(), without_utf8());
  std::vector<std::string> answers;
  for (int i = 0; i < 3; ++i) loop.spawn("client", [&] { answers.push_back(told(table->lookup("a"))); });
  loop.run();
  std::sort(answers.begin(), answers.end());
  EXPECT_EQ(answers, (std::vector<std::string>{"1", "2", "3"}));
}

}  // namespace
}  // namespace table
