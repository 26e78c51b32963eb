// Clients against played servers.

#include <gtest/gtest.h>

#include <filesystem>

#include "client/bounce_client.h"
#include "client/cleanup_client.h"
#include "client/flush_client.h"
#include "client/qmgr_client.h"
#include "client/tlsmgr_client.h"
#include "io/fiber.h"
#include "io/socket.h"
#include "logging/log.h"

namespace {

using namespace std::chrono_literals;

io::Deadline soon() {
  return io::Deadline::after(20s);
}

class Clients : public ::testing::Test {
 protected:
  Clients() {
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    path_ = folder_ + "/socket";
    listener_ = std::move(*io::listen({io::Endpoint::Type::unix_stream, "", "", path_}));
  }
  ~Clients() override { std::filesystem::remove_all(folder_); }

  using Serve = std::function<void(ipc::Channel&)>;
  // One connection after another is served as told; then the client's part runs.
  void play(std::vector<Serve> connections, const std::function<void()>& client) {
    io::Loop loop;
    loop.spawn("server", [&] {
      for (const Serve& serve : connections) {
        ipc::Channel channel(std::move(*io::accept(listener_.get(), soon())));
        channel.set_deadline(soon());
        try {
          serve(channel);
        } catch (const io::StreamError& error) {
          server_error_ = error.what();
        }
        ++served_;
      }
    });
    loop.spawn("client", client);
    loop.run();
  }

  std::string folder_ = "/tmp/client_test_XXXXXX";
  std::string path_;
  base::Fd listener_;
  std::string server_error_;
  int served_ = 0;
  ipc::Pool pool_;
};

std::string take_message(ipc::Channel& channel) {
  std::string records;
  while (!records.ends_with(std::string_view("E\0", 2))) records += channel.receive<client::CleanupRecords>().records;
  return records;
}

TEST_F(Clients, CleanupGetsRecordsAndAnswers) {
  const auto serve = [](ipc::Channel& channel) {
    EXPECT_EQ(channel.receive<client::CleanupBegin>().flags, 178);
    channel.send(client::CleanupStarted{"ABC123", ""});
    channel.flush();
    EXPECT_EQ(take_message(channel), std::string_view("S\4a@b.R\3c@dE\0", 13));
    channel.send(client::CleanupResult{0, "2.0.0 Ok"});
    channel.flush();
  };
  play({serve}, [&] {
    client::CleanupClient cleanup(pool_, path_, 178, soon());
    EXPECT_EQ(cleanup.id().text(), "ABC123");
    cleanup.append(queue::RecordType::sender, "a@b.");
    cleanup.append(queue::RecordType::recipient, "c@d");
    const auto result = cleanup.finish();
    EXPECT_EQ(result.status, client::cleanup_status::kOk);
    EXPECT_EQ(result.reason, "2.0.0 Ok");
    EXPECT_EQ(pool_.idle(), 1u) << "the connection is kept";
  });
}

TEST_F(Clients, CleanupGetsALargeMessageInParts) {
  std::string got;
  const auto serve = [&](ipc::Channel& channel) {
    (void)channel.receive<client::CleanupBegin>();
    channel.send(client::CleanupStarted{"ABC123", ""});
    channel.flush();
    got = take_message(channel);
    channel.send(client::CleanupResult{});
    channel.flush();
  };
  std::string expected;
  play({serve}, [&] {
    client::CleanupClient cleanup(pool_, path_, 0, soon());
    for (int i = 0; i < 3000; ++i) {
      const std::string line = std::to_string(i) + std::string(400, 'x');
      queue::append_record(expected, queue::RecordType::text, line);
      cleanup.append(queue::RecordType::text, line);
    }
    queue::append_record(expected, queue::RecordType::end, "");
    EXPECT_EQ(cleanup.finish().status, 0);
  });
  EXPECT_EQ(got, expected);
}

TEST_F(Clients, CleanupThatCanMakeNoFileSaysWhy) {
  const auto serve = [](ipc::Channel& channel) {
    (void)channel.receive<client::CleanupBegin>();
    channel.send(client::CleanupStarted{"", "No space left on device"});
    channel.flush();
  };
  play({serve}, [&] {
    try {
      const client::CleanupClient cleanup(pool_, path_, 0, soon());
      FAIL();
    } catch (const io::StreamError& error) {
      EXPECT_STREQ(error.what(), "No space left on device");
    }
  });
}

TEST_F(Clients, CleanupThatWentAwayMeanwhileIsAskedOnceMore) {
  const auto begin = [](ipc::Channel& channel) {
    (void)channel.receive<client::CleanupBegin>();
    channel.send(client::CleanupStarted{"ABC123", ""});
    channel.flush();
    (void)take_message(channel);
    channel.send(client::CleanupResult{});
    channel.flush();
  };
  const auto begin_and_end_at_the_next = [&](ipc::Channel& channel) {
    begin(channel);
    (void)channel.receive<client::CleanupBegin>();
  };
  play({begin_and_end_at_the_next, begin}, [&] {
    for (int i = 0; i < 2; ++i) {
      client::CleanupClient cleanup(pool_, path_, 0, soon());
      EXPECT_EQ(cleanup.finish().status, 0);
    }
  });
  EXPECT_EQ(served_, 2);
}

TEST_F(Clients, ARefusedMessageEndsTheConnection) {
  const auto serve = [](ipc::Channel& channel) {
    (void)channel.receive<client::CleanupBegin>();
    channel.send(client::CleanupStarted{"ABC123", ""});
    channel.flush();
    (void)take_message(channel);
    channel.send(client::CleanupResult{client::cleanup_status::kSize, "too big"});
    channel.flush();
  };
  play({serve}, [&] {
    client::CleanupClient cleanup(pool_, path_, 0, soon());
    EXPECT_EQ(cleanup.finish().status, client::cleanup_status::kSize);
    EXPECT_EQ(pool_.idle(), 0u);
  });
}

TEST_F(Clients, CleanupThatDiesInTheMiddleIsAnError) {
  const auto serve = [](ipc::Channel& channel) {
    (void)channel.receive<client::CleanupBegin>();
    channel.send(client::CleanupStarted{"ABC123", ""});
    channel.flush();
  };
  play({serve}, [&] {
    client::CleanupClient cleanup(pool_, path_, 0, soon());
    EXPECT_THROW((void)cleanup.finish(), io::StreamError);
  });
}

TEST(CleanupStatus, TheFirstBitThatMattersDecides) {
  using namespace client::cleanup_status;
  EXPECT_EQ(meaning_of(kOk).smtp_code, 250);
  EXPECT_EQ(meaning_of(kSize | kWrite).enhanced_code, "5.3.4");
  EXPECT_EQ(meaning_of(kWrite | kDefer).smtp_code, 451);
  EXPECT_EQ(meaning_of(kHops).text, "too many hops");
  EXPECT_EQ(meaning_of(kBareLf).smtp_code, 521);
  EXPECT_EQ(meaning_of(1 << 20).smtp_code, 451) << "a bit that nobody knows is no success";
}

TEST_F(Clients, BounceGoesToTheServiceOfItsKind) {
  const auto serve = [](ipc::Channel& channel) {
    EXPECT_EQ(channel.receive<client::NoticeRequest>().queue_id, "ABC");
    channel.send(client::NoticeResult{true, ""});
    channel.flush();
  };
  play({serve}, [&] {
    client::BounceClient bounce(pool_, {"/nowhere/bounce", path_, "/nowhere/trace"});
    client::NoticeRequest request;
    request.queue_id = "ABC";
    request.notice = client::Notice::delay;
    EXPECT_TRUE(bounce.send(request, soon()));
    request.notice = client::Notice::failure;
    EXPECT_FALSE(bounce.send(request, soon()));
    request.notice = client::Notice::trace;
    EXPECT_FALSE(bounce.send(request, soon()));
  });
}

TEST_F(Clients, ANoticeThatIsNotDoneIsAnErrorWithItsReason) {
  const auto serve = [](ipc::Channel& channel) {
    (void)channel.receive<client::SingleBounce>();
    channel.send(client::NoticeResult{false, "cleanup is busy"});
    channel.flush();
  };
  play({serve}, [&] {
    client::BounceClient bounce(pool_, {path_, path_, path_});
    const auto sent = bounce.send(client::SingleBounce{}, soon());
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().text, "cleanup is busy");
  });
}

TEST_F(Clients, FlushAnswersWithAStatus) {
  const auto serve = [](ipc::Channel& channel) {
    const auto request = channel.receive<client::FlushRequest>();
    EXPECT_EQ(request.site, "example.com");
    channel.send(client::FlushResult{client::FlushStatus::not_configured});
    channel.flush();
  };
  play({serve}, [&] {
    const client::FlushRequest request{client::FlushRequest::Action::send_site, "example.com", ""};
    EXPECT_EQ(*client::ask_flush(path_, request, soon()), client::FlushStatus::not_configured);
    EXPECT_FALSE(client::ask_flush("/nowhere", request, soon()));
  });
}

TEST_F(Clients, TheQueueManagerIsToldOverOneConnection) {
  std::vector<std::string> told;
  const auto serve = [&](ipc::Channel& channel) {
    for (int i = 0; i < 3; ++i) told.push_back(channel.receive<client::Arrived>().queue_ids.at(0));
  };
  play({serve}, [&] {
    client::QmgrClient qmgr(path_);
    for (const char* id : {"A", "B", "C"}) qmgr.arrived(*queue::Id::parse(id));
  });
  EXPECT_EQ(told, (std::vector<std::string>{"A", "B", "C"}));
}

TEST_F(Clients, AQueueManagerThatStartsAnewIsFoundAgain) {
  std::vector<std::string> told;
  const auto serve = [&](ipc::Channel& channel) { told.push_back(channel.receive<client::Arrived>().queue_ids.at(0)); };
  play({serve, serve}, [&] {
    client::QmgrClient qmgr(path_);
    qmgr.arrived(*queue::Id::parse("A"));
    while (served_ < 1) io::yield();
    io::sleep_until(io::Deadline::after(10ms));
    qmgr.arrived(*queue::Id::parse("B"));
  });
  EXPECT_EQ(told, (std::vector<std::string>{"A", "B"}));
}

TEST_F(Clients, WithoutAQueueManagerNothingHappens) {
  client::QmgrClient qmgr("/nowhere");
  EXPECT_NO_THROW(qmgr.arrived(*queue::Id::parse("A")));
}

// --- tlsmgr

client::TlsmgrResult::Key ticket_key(char seed, std::int64_t expires) {
  return {std::string(16, seed), std::string(32, seed), std::string(32, static_cast<char>(seed + 1)), expires};
}

std::array<std::uint8_t, 16> name_of_key(char seed) {
  std::array<std::uint8_t, 16> name;
  name.fill(static_cast<std::uint8_t>(seed));
  return name;
}

std::function<void(ipc::Channel&)> tlsmgr_with(const client::TlsmgrResult& result) {
  return [result](ipc::Channel& channel) {
    EXPECT_EQ(channel.receive<client::TlsmgrRequest>().service, "smtp");
    channel.send(result);
    channel.flush();
  };
}

TEST_F(Clients, TlsmgrIsAskedOnceForKeysThatAreGood) {
  const std::time_t now = std::time(nullptr);
  client::TlsmgrClient tickets(path_, "smtp", 5s);
  play({tlsmgr_with({3600, {ticket_key('o', now - 10), ticket_key('n', now + 1000)}})}, [&] {
    for (int i = 0; i < 100; ++i) {
      ASSERT_TRUE(tickets.current());
      EXPECT_EQ(tickets.current()->name, name_of_key('n'));
      EXPECT_EQ(tickets.current()->hmac[0], 'o');
      EXPECT_TRUE(tickets.named(name_of_key('o')));
      EXPECT_FALSE(tickets.named(name_of_key('x')));  // a client cannot make us ask each time
    }
  });
  EXPECT_EQ(served_, 1);
}

TEST_F(Clients, TlsmgrsNewKeyIsFoundByItsName) {
  const std::time_t now = std::time(nullptr);
  client::TlsmgrClient tickets(path_, "smtp", 5s);
  play({tlsmgr_with({3600, {ticket_key('a', now + 1000)}}),
        tlsmgr_with({3600, {ticket_key('a', now + 1000), ticket_key('b', now + 2000)}})},
       [&] {
         EXPECT_EQ(tickets.current()->name, name_of_key('a'));
         io::sleep_until(io::Deadline::after(1010ms));
         ASSERT_TRUE(tickets.named(name_of_key('b')));
         EXPECT_EQ(tickets.current()->name, name_of_key('b'));
       });
}

TEST_F(Clients, TlsmgrsOldKeysSealAndOpenNothing) {
  const std::time_t now = std::time(nullptr);
  client::TlsmgrClient tickets(path_, "smtp", 5s);
  play({tlsmgr_with({100, {ticket_key('a', now - 100), ticket_key('b', now - 10)}})}, [&] {
    EXPECT_FALSE(tickets.current());
    EXPECT_FALSE(tickets.named(name_of_key('a')));
    EXPECT_TRUE(tickets.named(name_of_key('b')));
  });
}

TEST_F(Clients, TlsmgrsKeysOfATimeBeforeTheClockWasSetBackAreAskedForAnew) {
  const std::time_t now = std::time(nullptr);
  client::TlsmgrClient tickets(path_, "smtp", 5s);
  play({tlsmgr_with({3600, {ticket_key('a', now + 86400)}}), tlsmgr_with({3600, {ticket_key('b', now + 3600)}})}, [&] {
    EXPECT_FALSE(tickets.current());
    io::sleep_until(io::Deadline::after(1010ms));
    ASSERT_TRUE(tickets.current());
    EXPECT_EQ(tickets.current()->name, name_of_key('b'));
  });
}

TEST_F(Clients, TlsmgrsKeysOfAWrongSizeAreNotUsed) {
  client::TlsmgrClient tickets(path_, "smtp", 5s);
  auto key = ticket_key('a', std::time(nullptr) + 1000);
  key.cipher.pop_back();
  play({tlsmgr_with({3600, {key}})}, [&] { EXPECT_FALSE(tickets.current()); });
}

TEST_F(Clients, WithoutTlsmgrThereAreNoTicketsAndOneWarning) {
  const logging::Capture log;
  client::TlsmgrClient tickets(folder_ + "/nobody", "smtp", 5s);
  play({}, [&] {
    for (int i = 0; i < 10; ++i) EXPECT_FALSE(tickets.current());
  });
  ASSERT_EQ(log.events().size(), 1U);
  EXPECT_TRUE(log.contains("TLS sessions are not resumed"));
}

TEST_F(Clients, OneFiberAsksTlsmgrAndTheOthersDoNotWait) {
  client::TlsmgrClient tickets(path_, "smtp", 5s);
  play({[&](ipc::Channel& channel) {
         channel.receive<client::TlsmgrRequest>();
         io::sleep_until(io::Deadline::after(20ms));
         channel.send(client::TlsmgrResult{3600, {ticket_key('a', std::time(nullptr) + 1000)}});
         channel.flush();
       }},
       [&] {
         io::FiberHandle first = io::spawn("first", [&] { EXPECT_TRUE(tickets.current()); });
         io::yield();
         EXPECT_FALSE(tickets.current());
         EXPECT_TRUE(first.join(soon()));
         EXPECT_TRUE(tickets.current());
       });
}

}  // namespace
