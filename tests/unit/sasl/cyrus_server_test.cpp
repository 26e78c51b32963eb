// The back end with the real library, which asks a saslauthd that is played by the test, in a thread.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/fd.h"
#include "io/fiber.h"
#include "logging/log.h"
#include "sasl/server.h"

namespace {

using namespace std::chrono_literals;
using Kind = sasl::Attempt::Step::Kind;

// Four strings, each behind its length in two bytes: login, password, service, realm. The answer is one such string.
class Saslauthd {
 public:
  explicit Saslauthd(const std::string& path) : listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::abort();
    if (::listen(listener_.get(), 50) != 0) std::abort();
    thread_ = std::thread([this] { run(); });
  }
  ~Saslauthd() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  std::atomic<int> asked = 0, at_once = 0, most_at_once = 0;

 private:
  void run() {
    std::vector<std::thread> clients;
    while (true) {
      const int fd = ::accept(listener_.get(), nullptr, nullptr);
      if (fd < 0) break;
      clients.emplace_back([this, fd] { serve(base::Fd(fd)); });
    }
    for (auto& client : clients) client.join();
  }
  static std::string text(int fd) {
    unsigned char size[2];
    if (::recv(fd, size, 2, MSG_WAITALL) != 2) return {};
    std::string read(static_cast<std::size_t>(size[0] << 8 | size[1]), '\0');
    if (!read.empty() && ::recv(fd, read.data(), read.size(), MSG_WAITALL) < 0) return {};
    return read;
  }
  void serve(base::Fd fd) {
    const std::string user = text(fd.get()), password = text(fd.get()), service = text(fd.get());
    text(fd.get());
    ++asked;
    most_at_once = std::max<int>(most_at_once, ++at_once);
    if (user == "slow") std::this_thread::sleep_for(200ms);
    --at_once;
    const bool good = password == "secret" && service == "smtp";
    const std::string answer = good ? std::string("\0\2OK", 4) : std::string("\0\2NO", 4);
    (void)!::write(fd.get(), answer.data(), answer.size());
  }

  base::Fd listener_;
  std::thread thread_;
};

class CyrusServer : public testing::Test {
 protected:
  CyrusServer() {
    std::ofstream(folder + "/smtpd.conf")
        << "pwcheck_method: saslauthd\nsaslauthd_path: " << folder << "/mux\nmech_list: PLAIN LOGIN ANONYMOUS\n";
  }
  ~CyrusServer() override { std::filesystem::remove_all(folder); }

  template <typename Story>
  void run(Story story, std::string_view more = "") {
    auto config = config::Config::from_text(
        fmt::format("myhostname = mail.example.test\ncyrus_sasl_config_path = {}\n{}", folder, more));
    ASSERT_TRUE(config);
    const auto server = sasl::make_server(*config);
    io::Loop loop;
    auto fiber = loop.spawn("story", [&] { story(*server); });
    ASSERT_TRUE(fiber.join(io::Deadline::after(30s)));
  }
  sasl::Attempt::Step plain(sasl::Server& server, const std::string& user, const std::string& password) {
    return server.begin(peer, "PLAIN", "smtp")
        ->start(std::string(1, '\0') + user + std::string(1, '\0') + password, soon());
  }
  static io::Deadline soon() { return io::Deadline::after(10s); }

  sasl::Peer peer{.client_address = "198.51.100.7",
                  .client_port = "4711",
                  .server_address = "192.0.2.1",
                  .server_port = "25",
                  .client_name = {},
                  .helo = {},
                  .tls = false};
  std::string folder = [] {
    std::string name = std::filesystem::temp_directory_path() / "cyrus.XXXXXX";
    return std::string(::mkdtemp(name.data()));
  }();
  logging::Capture log;
};

TEST_F(CyrusServer, OffersWhatTheSecurityOptionsLeave) {
  run([&](sasl::Server& server) {
    EXPECT_EQ(*server.mechanisms(peer, soon()), (std::vector<std::string>{"PLAIN", "LOGIN"}));
  });
  run(
      [&](sasl::Server& server) {
        EXPECT_FALSE(server.mechanisms(peer, soon()));
        peer.tls = true;
        EXPECT_EQ(server.mechanisms(peer, soon())->size(), 2U);
      },
      "smtpd_sasl_security_options = noplaintext, noanonymous\nsmtpd_sasl_tls_security_options = noanonymous\n");
}

TEST_F(CyrusServer, PasswordsAreChecked) {
  const Saslauthd saslauthd(folder + "/mux");
  run([&](sasl::Server& server) {
    EXPECT_EQ(plain(server, "bob", "secret").username, "bob");
    const auto step = plain(server, "bob", "wrong");
    EXPECT_EQ(step.kind, Kind::failed);
    EXPECT_EQ(step.text, "authentication failure");
  });
  EXPECT_TRUE(log.contains("SASL authentication failure: Password verification failed"));
}

TEST_F(CyrusServer, LoginInSteps) {
  const Saslauthd saslauthd(folder + "/mux");
  run([&](sasl::Server& server) {
    const auto attempt = server.begin(peer, "LOGIN", "smtp");
    EXPECT_EQ(attempt->start(std::nullopt, soon()).text, "Username:");
    EXPECT_EQ(attempt->go_on("bob", soon()).text, "Password:");
    EXPECT_EQ(attempt->go_on("secret", soon()).username, "bob");
  });
}

TEST_F(CyrusServer, WithoutSaslauthdItIsTemporary) {
  run([&](sasl::Server& server) {
    const auto step = plain(server, "bob", "secret");
    EXPECT_EQ(step.kind, Kind::unavailable);
    EXPECT_EQ(step.text, "generic failure");
  });
}

TEST_F(CyrusServer, AnUnknownMechanismFails) {
  run([&](sasl::Server& server) {
    EXPECT_EQ(server.begin(peer, "FOO", "smtp")->start(std::nullopt, soon()).text, "no mechanism available");
    EXPECT_EQ(server.begin(peer, "ANONYMOUS", "smtp")->start("x", soon()).text, "no mechanism available");
    EXPECT_EQ(server.begin(peer, "", "smtp")->start("x", soon()).kind, Kind::failed);
  });
}

TEST_F(CyrusServer, GoingOnWithWhatHasNotBegunFails) {
  run([&](sasl::Server& server) {
    EXPECT_EQ(server.begin(peer, "LOGIN", "smtp")->go_on("x", soon()).kind, Kind::failed);
  });
}

TEST_F(CyrusServer, BadBase64HasTheLibrarysWords) {
  run([&](sasl::Server& server) {
    const auto attempt = server.begin(peer, "LOGIN", "smtp");
    EXPECT_EQ(attempt->reason_for_bad_base64("====", true), "bad protocol / cancel");
    EXPECT_EQ(attempt->reason_for_bad_base64("!!!", false), "another step is needed in authentication");
    EXPECT_EQ(attempt->reason_for_bad_base64("Zm9v", false), "bad protocol / cancel");  // ours is the stricter one
  });
}

TEST_F(CyrusServer, AttemptsRunBesideEachOtherAndNeverOnTheLoop) {
  Saslauthd saslauthd(folder + "/mux");
  run([&](sasl::Server& server) {
    int turns = 0;
    bool ended = false;
    auto other = io::spawn("other", [&] {
      while (!ended) {
        ++turns;
        io::sleep_until(io::Deadline::after(1ms));
      }
    });
    std::vector<io::FiberHandle> fibers;
    for (int i = 0; i < 9; ++i) {
      fibers.push_back(io::spawn("one", [&] { EXPECT_EQ(plain(server, "slow", "secret").kind, Kind::done); }));
    }
    for (auto& fiber : fibers) EXPECT_TRUE(fiber.join(soon()));
    ended = true;
    other.join();
    EXPECT_GT(turns, 20);
  });
  EXPECT_EQ(saslauthd.asked, 9);
  EXPECT_GT(saslauthd.most_at_once, 1);
  EXPECT_LT(saslauthd.most_at_once, 4);
}

TEST_F(CyrusServer, WhoWaitsTooLongForAPlaceIsToldToTryAgain) {
  Saslauthd saslauthd(folder + "/mux");
  run([&](sasl::Server& server) {
    std::vector<io::FiberHandle> fibers;
    for (int i = 0; i < 3; ++i) fibers.push_back(io::spawn("one", [&] { plain(server, "slow", "secret"); }));
    io::yield();
    const auto step = server.begin(peer, "PLAIN", "smtp")->start("x", io::Deadline::after(20ms));
    EXPECT_EQ(step.kind, Kind::unavailable);
    for (auto& fiber : fibers) EXPECT_TRUE(fiber.join(soon()));
  });
}

}  // namespace
