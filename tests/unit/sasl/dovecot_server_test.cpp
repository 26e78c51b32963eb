// The back end against an auth server played by the test, on a socket of its own.

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <fmt/format.h>

#include <filesystem>

#include "io/fiber.h"
#include "io/socket.h"
#include "io/stream.h"
#include "logging/log.h"
#include "sasl/server.h"

namespace {

using namespace std::chrono_literals;
using Kind = sasl::Attempt::Step::Kind;

constexpr std::string_view kGreeting =
    "MECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\nMECH\tANONYMOUS\tanonymous\nMECH\tAPOP\tprivate\n"
    "VERSION\t1\t2\nSPID\t1\nCUID\t1\nCOOKIE\tx\nDONE\n";

class DovecotServer : public testing::Test {
 protected:
  ~DovecotServer() override { std::filesystem::remove_all(folder); }

  // Serves every connection: says the greeting, and hands each line to `answer`, which gives what to send; "close"
  // closes.
  void play(std::function<std::string(const std::string& line)> answer, std::string greeting = std::string(kGreeting)) {
    auto listener = io::listen({io::Endpoint::Type::unix_stream, {}, {}, path});
    ASSERT_TRUE(listener) << listener.error().text;
    player = io::spawn("player", [this, answer, greeting, fd = std::make_shared<base::Fd>(std::move(*listener))] {
      while (true) {
        auto client = io::accept(fd->get(), io::Deadline::never());
        if (!client) return;
        ++connections;
        io::spawn("talk", [this, answer, greeting, stream = std::make_shared<io::Stream>(std::move(*client))] {
          try {
            stream->write(greeting);
            while (true) {
              const std::string line = stream->read_line(100000).text;
              lines.push_back(line);
              const std::string said = answer(line);
              if (said == "close") return;
              stream->write(said);
              stream->flush();
            }
          } catch (const io::StreamError&) {
          }
        });
      }
    });
  }

  // Runs `story` in a fiber, with the back end, until it is over.
  template <typename Story>
  void run(Story story, std::string_view more = "") {
    auto config = config::Config::from_text(
        fmt::format("smtpd_sasl_type = dovecot\nsmtpd_sasl_path = {}\nmyhostname = mail.example.test\n{}", path, more));
    ASSERT_TRUE(config);
    const auto server = sasl::make_server(*config);
    auto fiber = loop.spawn("story", [&] { story(*server); });
    ASSERT_TRUE(fiber.join(io::Deadline::after(30s)));
  }

  static io::Deadline soon() { return io::Deadline::after(5s); }
  sasl::Peer peer{.client_address = "198.51.100.7",
                  .client_port = "4711",
                  .server_address = "192.0.2.1",
                  .server_port = "25",
                  .client_name = "client.example",
                  .helo = "client",
                  .tls = false};
  std::string folder = [] {
    std::string name = std::filesystem::temp_directory_path() / "dovecot.XXXXXX";
    return std::string(::mkdtemp(name.data()));
  }();
  std::string path = folder + "/auth";
  io::Loop loop;
  io::FiberHandle player;
  std::vector<std::string> lines;
  int connections = 0;
};

std::string id_of(const std::string& line) {
  const auto start = line.find('\t') + 1;
  return line.substr(start, line.find('\t', start) - start);
}

TEST_F(DovecotServer, OffersWhatClientsMayUse) {
  play([](const std::string&) { return ""; });
  run([&](sasl::Server& server) {
    const auto names = server.mechanisms(peer, soon());
    ASSERT_TRUE(names);
    EXPECT_EQ(*names, (std::vector<std::string>{"PLAIN", "LOGIN"}));
  });
}

TEST_F(DovecotServer, SecurityOptionsDependOnTls) {
  play([](const std::string&) { return ""; });
  run(
      [&](sasl::Server& server) {
        const auto names = server.mechanisms(peer, soon());
        ASSERT_TRUE(names);
        EXPECT_EQ(*names, std::vector<std::string>{"ANONYMOUS"});
        auto attempt = server.begin(peer, "PLAIN", "smtp");
        const auto step = attempt->start("x", soon());
        EXPECT_EQ(step.kind, Kind::failed);
        EXPECT_EQ(step.text, "Invalid authentication mechanism");
        peer.tls = true;
        EXPECT_EQ(server.mechanisms(peer, soon())->size(), 2U);
      },
      "smtpd_sasl_security_options = noplaintext\nsmtpd_sasl_tls_security_options = noanonymous\n");
}

TEST_F(DovecotServer, PlainInOneStep) {
  play([](const std::string& line) { return line.starts_with("AUTH") ? "OK\t" + id_of(line) + "\tuser=bob\n" : ""; });
  run([&](sasl::Server& server) {
    peer.tls = true;
    const auto step = server.begin(peer, "PLAIN", "smtp")->start(std::string("\0bob\0pw", 7), soon());
    EXPECT_EQ(step.kind, Kind::done);
    EXPECT_EQ(step.username, "bob");
    EXPECT_EQ(lines.back(),
              "AUTH\t1\tPLAIN\tservice=smtp\tnologin\tlip=192.0.2.1\trip=198.51.100.7\tsecured\tresp=AGJvYgBwdw==");
  });
}

TEST_F(DovecotServer, LoginInThreeSteps) {
  int step_number = 0;
  play([&](const std::string& line) -> std::string {
    if (!line.starts_with("AUTH") && !line.starts_with("CONT")) return "";
    ++step_number;
    if (step_number == 3) return "FAIL\t" + id_of(line) + "\tuser=bob\treason=wrong\n";
    return "CONT\t" + id_of(line) + (step_number == 1 ? "\tVXNlcm5hbWU6\n" : "\tUGFzc3dvcmQ6\n");
  });
  run([&](sasl::Server& server) {
    const auto attempt = server.begin(peer, "LOGIN", "smtp");
    auto step = attempt->start(std::nullopt, soon());
    EXPECT_EQ(step.kind, Kind::challenge);
    EXPECT_EQ(step.text, "Username:");
    step = attempt->go_on("bob", soon());
    EXPECT_EQ(step.text, "Password:");
    step = attempt->go_on("", soon());
    EXPECT_EQ(step.kind, Kind::failed);
    EXPECT_EQ(step.text, "wrong");
    EXPECT_EQ(attempt->username_so_far(), "bob");
    EXPECT_EQ(lines.back(), "CONT\t1\t");
  });
}

TEST_F(DovecotServer, ManyAttemptsShareAConnectionAndEachGetsItsOwnAnswer) {
  std::vector<std::string> waiting;
  play([&](const std::string& line) -> std::string {
    if (!line.starts_with("AUTH")) return "";
    waiting.push_back(line);
    if (waiting.size() < 20) return "";
    std::string answers;  // the last one first, with strangers in between
    for (auto one = waiting.rbegin(); one != waiting.rend(); ++one) {
      answers += "OK\t" + id_of(*one) + "\tuser=u" + id_of(*one) + "\nOK\t9999\tuser=nobody\nNEWS\tx\n";
    }
    return answers;
  });
  run([&](sasl::Server& server) {
    std::vector<io::FiberHandle> fibers;
    std::vector<std::string> names(20);
    for (std::size_t i = 0; i < names.size(); ++i) {
      fibers.push_back(
          io::spawn("one", [&, i] { names[i] = server.begin(peer, "PLAIN", "smtp")->start("x", soon()).username; }));
    }
    for (auto& fiber : fibers) EXPECT_TRUE(fiber.join(soon()));
    for (std::size_t i = 0; i < names.size(); ++i) EXPECT_EQ(names[i], "u" + std::to_string(i + 1));
    EXPECT_EQ(connections, 1);
  });
}

TEST_F(DovecotServer, AConnectionThatEndsIsATemporaryFailureAndMadeAnew) {
  bool close = true;
  play([&](const std::string& line) -> std::string {
    if (!line.starts_with("AUTH")) return "";
    return close ? "close" : "OK\t" + id_of(line) + "\tuser=bob\n";
  });
  run([&](sasl::Server& server) {
    auto step = server.begin(peer, "PLAIN", "smtp")->start("x", soon());
    EXPECT_EQ(step.kind, Kind::unavailable);
    EXPECT_EQ(step.text, "Connection lost to authentication server");
    close = false;
    EXPECT_EQ(server.begin(peer, "PLAIN", "smtp")->start("x", soon()).kind, Kind::done);
    EXPECT_EQ(connections, 2);
  });
}

TEST_F(DovecotServer, WhoSendsMuchGetsAConnectionOfHisOwn) {
  play([](const std::string& line) -> std::string {
    if (!line.starts_with("AUTH")) return "";
    return line.size() > 8192 ? "close" : "OK\t" + id_of(line) + "\tuser=bob\n";
  });
  run([&](sasl::Server& server) {
    EXPECT_EQ(server.begin(peer, "PLAIN", "smtp")->start("x", soon()).kind, Kind::done);
    EXPECT_EQ(server.begin(peer, "PLAIN", "smtp")->start(std::string(9000, 'x'), soon()).kind, Kind::unavailable);
    EXPECT_EQ(server.begin(peer, "PLAIN", "smtp")->start("x", soon()).kind, Kind::done);
    EXPECT_EQ(connections, 2);
  });
}

TEST_F(DovecotServer, AnAttemptThatIsGivenUpIsCancelled) {
  play([](const std::string& line) -> std::string {
    return line.starts_with("AUTH") ? "CONT\t" + id_of(line) + "\t\n" : "";
  });
  run([&](sasl::Server& server) {
    server.begin(peer, "LOGIN", "smtp")->start(std::nullopt, soon());
    EXPECT_EQ(server.begin(peer, "LOGIN", "smtp")->start(std::nullopt, soon()).kind, Kind::challenge);
    EXPECT_NE(std::find(lines.begin(), lines.end(), "CANCEL\t1"), lines.end());
  });
}

TEST_F(DovecotServer, NonsenseEndsTheConnectionAndNothingElse) {
  const logging::Capture log;
  for (const std::string& nonsense :
       {std::string("OK\n"), std::string("FAIL\tx\n"), std::string("CONT\t\n"), std::string(40000, 'x')}) {
    lines.clear();
    std::filesystem::remove(path);
    play([&](const std::string& line) { return line.starts_with("AUTH") ? nonsense : std::string(); });
    run([&](sasl::Server& server) {
      EXPECT_EQ(server.begin(peer, "PLAIN", "smtp")->start("x", soon()).kind, Kind::unavailable);
    });
    player.cancel();
    player.join();
  }
}

TEST_F(DovecotServer, WhatAnswersBadlyFails) {
  std::string answer;
  play([&](const std::string& line) {
    return line.starts_with("AUTH") ? fmt::format(fmt::runtime(answer), id_of(line)) : std::string();
  });
  const logging::Capture log;
  run([&](sasl::Server& server) {
    for (const char* text : {"OK\t{}\n", "OK\t{}\tuser=\n", "CONT\t{}\t!!\n"}) {
      answer = text;
      const auto step = server.begin(peer, "PLAIN", "smtp")->start("x", soon());
      EXPECT_EQ(step.kind, Kind::failed) << text;
      EXPECT_EQ(step.text, "Authentication backend error");
    }
    answer = "FAIL\t{}\ttemp\n";
    EXPECT_EQ(server.begin(peer, "PLAIN", "smtp")->start("x", soon()).kind, Kind::unavailable);
  });
  EXPECT_TRUE(log.contains("missing Dovecot server OK username field"));
  EXPECT_TRUE(log.contains("missing Dovecot server CONT reply field"));
}

TEST_F(DovecotServer, WithoutAServerNothingIsOfferedAndAttemptsWait) {
  const logging::Capture log;
  run([&](sasl::Server& server) {
    EXPECT_FALSE(server.mechanisms(peer, soon()));
    EXPECT_EQ(server.begin(peer, "PLAIN", "smtp")->start("x", soon()).kind, Kind::unavailable);
  });
  EXPECT_TRUE(log.contains("SASL: Connect to Dovecot auth socket '" + path + "' failed"));
}

TEST_F(DovecotServer, WhileItIsAwayClientsAreToldOfWhatThereWas) {
  play([](const std::string& line) { return line.starts_with("AUTH") ? "close" : ""; });
  const logging::Capture log;
  run([&](sasl::Server& server) {
    ASSERT_TRUE(server.mechanisms(peer, soon()));
    player.cancel();
    player.join();
    server.begin(peer, "PLAIN", "smtp")->start("x", soon());
    EXPECT_EQ(server.mechanisms(peer, soon())->size(), 2U);
    EXPECT_EQ(server.begin(peer, "PLAIN", "smtp")->start("x", soon()).text, "Can't connect to authentication server");
  });
}

TEST_F(DovecotServer, ASilentServerCostsTheTimeAndNoMore) {
  play([](const std::string&) { return ""; });
  run([&](sasl::Server& server) {
    const auto step = server.begin(peer, "PLAIN", "smtp")->start("x", io::Deadline::after(50ms));
    EXPECT_EQ(step.kind, Kind::unavailable);
  });
}

TEST_F(DovecotServer, ASilentGreetingCostsTheTimeAndNoMore) {
  play([](const std::string&) { return ""; }, "VERSION\t1\t0\nMECH\tPLAIN\n");
  const logging::Capture log;
  run([&](sasl::Server& server) { EXPECT_FALSE(server.mechanisms(peer, io::Deadline::after(50ms))); });
}

TEST_F(DovecotServer, TheFilterSaysWhatIsAnnounced) {
  play([](const std::string&) { return ""; });
  run([&](sasl::Server& server) { EXPECT_EQ(*server.mechanisms(peer, soon()), std::vector<std::string>{"LOGIN"}); },
      "smtpd_sasl_mechanism_filter = !plain, static:all\n");
}

TEST(SaslServer, AnUnknownTypeIsNamed) {
  auto config = config::Config::from_text("smtpd_sasl_type = foo\nmyhostname = a.example\n");
  try {
    sasl::make_server(*config);
    FAIL();
  } catch (const base::Fatal& error) {
    EXPECT_EQ(std::string(error.what()), "smtpd_sasl_type: unsupported SASL server implementation: foo");
  }
}

TEST(SaslServer, TypesAsPostconfLists) {
  EXPECT_EQ(sasl::server_types(), (std::vector<std::string_view>{"cyrus", "dovecot"}));
}

}  // namespace
