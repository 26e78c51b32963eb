// The service and its client, over a socket.

#include "anvil/anvil.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "client/anvil_client.h"
#include "io/fiber.h"
#include "io/socket.h"
#include "logging/log.h"

namespace {

using namespace std::chrono_literals;
using client::AnvilClient;
using client::AnvilEvent;

class Anvil : public testing::Test {
 protected:
  ~Anvil() override { std::filesystem::remove_all(folder); }

  void start() {
    std::filesystem::remove(path);
    server = anvil::open(context);
    auto listener = io::listen({io::Endpoint::Type::unix_stream, {}, {}, path});
    ASSERT_TRUE(listener) << listener.error().text;
    accepting = io::spawn("accept", [this, fd = std::make_shared<base::Fd>(std::move(*listener))] {
      while (true) {
        auto client = io::accept(fd->get(), io::Deadline::never());
        if (!client) return;
        serving.push_back(io::spawn("serve", [this, connection = std::make_shared<base::Fd>(std::move(*client))] {
          try {
            server->serve({std::move(*connection), {}});
          } catch (const io::StreamError&) {
          }
        }));
      }
    });
  }
  void stop() {
    for (auto& fiber : serving) fiber.cancel();
    for (auto& fiber : serving) fiber.join();
    serving.clear();
    accepting.cancel();
    accepting.join();
    std::filesystem::remove(path);
  }
  template <typename Story>
  void run(Story story) {
    auto fiber = loop.spawn("story", [&] {
      start();
      story();
      stop();
    });
    ASSERT_TRUE(fiber.join(io::Deadline::after(30s)));
  }
  int connections(AnvilClient& client, std::string_view range) {
    const auto counts = client.count(range, AnvilEvent::look);
    return counts ? counts->connections : -1;
  }

  std::string folder = [] {
    std::string name = std::filesystem::temp_directory_path() / "anvil.XXXXXX";
    return std::string(::mkdtemp(name.data()));
  }();
  std::string path = folder + "/anvil";
  config::Config config = std::move(*config::Config::from_text("myhostname = a.example\n"));
  service::Context context{.config = config, .program = "anvil", .service_name = "anvil", .arguments = {}};
  std::unique_ptr<service::Server> server;
  io::Loop loop;
  io::FiberHandle accepting;
  std::vector<io::FiberHandle> serving;
};

TEST_F(Anvil, CountsOverAllProcesses) {
  run([&] {
    AnvilClient one(path, 5s), other(path, 5s);
    EXPECT_EQ(one.count("smtp:192.0.2.1", AnvilEvent::connect)->connections, 1);
    EXPECT_EQ(other.count("smtp:192.0.2.1", AnvilEvent::connect)->connections, 2);
    EXPECT_EQ(one.count("smtp:192.0.2.1", AnvilEvent::recipient, 5)->recipients, 5);
    EXPECT_EQ(other.count("smtp:192.0.2.1", AnvilEvent::recipient)->recipients, 6);
    one.disconnect("smtp:192.0.2.1");
    EXPECT_EQ(connections(one, "smtp:192.0.2.1"), 1);
  });
}

TEST_F(Anvil, AProcessThatEndsLeavesNoConnectionsBehind) {
  run([&] {
    AnvilClient one(path, 5s);
    {
      AnvilClient dying(path, 5s);
      for (int i = 0; i < 10; ++i) dying.count("r", AnvilEvent::connect);
      EXPECT_EQ(one.count("r", AnvilEvent::connect)->connections, 11);
    }
    while (connections(one, "r") > 1) io::yield();
    EXPECT_EQ(connections(one, "r"), 1);
  });
}

TEST_F(Anvil, NobodyEndsTheConnectionsOfOthers) {
  run([&] {
    AnvilClient one(path, 5s), other(path, 5s);
    one.count("r", AnvilEvent::connect);
    other.count("r", AnvilEvent::look);
    other.disconnect("r");
    EXPECT_EQ(connections(other, "r"), 1);
  });
}

TEST_F(Anvil, AfterARestartOpenConnectionsAreKnownAgain) {
  run([&] {
    AnvilClient client(path, 5s);
    client.count("r", AnvilEvent::connect);
    client.count("r", AnvilEvent::connect);
    client.count("s", AnvilEvent::connect);
    stop();
    client.disconnect("r");
    start();
    const auto counts = client.count("r", AnvilEvent::connect);
    ASSERT_TRUE(counts);
    EXPECT_EQ(counts->connections, 2);
    EXPECT_EQ(counts->connection_rate, 1);
    EXPECT_EQ(connections(client, "s"), 1);
  });
}

TEST_F(Anvil, WithoutServerNothingIsCountedAndItIsToldOnce) {
  const logging::Capture log;
  run([&] {
    stop();
    AnvilClient client(path, 5s);
    for (int i = 0; i < 5; ++i) EXPECT_FALSE(client.count("r", AnvilEvent::connect));
    start();
    io::sleep_until(io::Deadline::after(1100ms));
    EXPECT_EQ(connections(client, "r"), 5);
  });
  EXPECT_EQ(log.events().size(), 1U);
  EXPECT_TRUE(log.contains("problem talking to service anvil"));
}

TEST_F(Anvil, ManyFibersAskAtOnceAndPartWhenTheyLike) {
  run([&] {
    AnvilClient client(path, 5s);
    std::vector<io::FiberHandle> fibers;
    for (int i = 0; i < 200; ++i) {
      fibers.push_back(io::spawn("one", [&client, i] {
        const std::string range = "r" + std::to_string(i % 3);
        EXPECT_TRUE(client.count(range, AnvilEvent::connect));
        EXPECT_TRUE(client.count(range, AnvilEvent::message));
        client.disconnect(range);
      }));
    }
    for (auto& fiber : fibers) EXPECT_TRUE(fiber.join(io::Deadline::after(10s)));
    int messages = 0;
    for (const char* range : {"r0", "r1", "r2"}) {
      const auto counts = client.count(range, AnvilEvent::look);
      EXPECT_EQ(counts->connections, 0);
      messages += counts->messages;
    }
    EXPECT_EQ(messages, 200);
  });
}

TEST_F(Anvil, AFiberThatIsCancelledWhileItAsksSpoilsNothing) {
  run([&] {
    AnvilClient client(path, 5s);
    client.count("r", AnvilEvent::connect);
    for (int i = 0; i < 20; ++i) {
      auto fiber = io::spawn("cancelled", [&] { client.count("r", AnvilEvent::connect); });
      io::yield();
      fiber.cancel();
      fiber.join();
    }
    while (connections(client, "r") > 1) io::yield();
    EXPECT_EQ(connections(client, "r"), 1);
    EXPECT_EQ(client.count("r", AnvilEvent::connect)->connections, 2);
  });
}

TEST_F(Anvil, NonsenseEndsOneConnectionOnly) {
  run([&] {
    AnvilClient client(path, 5s);
    client.count("r", AnvilEvent::connect);
    auto stranger = ipc::connect(path, io::Deadline::after(5s));
    stranger.send_frame(ipc::Kind::anvil_request, "\xff\xff\xff\xff nonsense");
    EXPECT_THROW((void)stranger.receive_frame(), io::StreamError);
    EXPECT_EQ(connections(client, "r"), 1);
  });
}

TEST_F(Anvil, LongNamesAreCut) {
  run([&] {
    AnvilClient client(path, 5s);
    const std::string name(100'000, 'x');
    EXPECT_EQ(client.count(name, AnvilEvent::connect)->connections, 1);
    EXPECT_EQ(client.count(name + "y", AnvilEvent::connect)->connections, 2);
    client.disconnect(name);
    client.disconnect(name);
    EXPECT_EQ(connections(client, name), 0);
  });
}

}  // namespace
