// What a session asks anvil, and what it makes of the answers. anvil is played by the test.

#include "smtpd/limits.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "io/fiber.h"
#include "io/socket.h"
#include "logging/log.h"
#include "smtpd/session.h"
#include "smtpd/shared.h"

namespace {

using namespace std::chrono_literals;
using client::AnvilEvent;
namespace limits = smtpd::limits;

class SmtpdLimits : public testing::Test {
 protected:
  ~SmtpdLimits() override { std::filesystem::remove_all(folder); }

  // Runs `story` with a session of a client at `address`.
  template <typename Story>
  void run(std::string_view main_cf, Story story, std::string address = "192.0.2.7") {
    auto config =
        config::Config::from_text(fmt::format("myhostname = mail.example.test\nmynetworks = 127.0.0.0/8\n{}", main_cf),
                                  {.process_name = "smtpd", .service_name = "smtp"});
    ASSERT_TRUE(config) << config.error().text;
    client::AnvilClient anvil(folder + "/anvil", 5s);
    smtpd::Shared shared({.config = &*config, .anvil = &anvil, .service_name = "submission"});
    auto fiber = loop.spawn("story", [&] {
      auto listener = io::listen({io::Endpoint::Type::unix_stream, {}, {}, folder + "/anvil"});
      auto serving = io::spawn("anvil", [&] {
        auto connection = io::accept(listener->get(), io::Deadline::never());
        ipc::Channel channel(std::move(*connection));
        try {
          while (const auto frame = channel.receive_frame_or_end()) {
            const auto request = ipc::Channel::understand<client::AnvilRequest>(*frame);
            for (const auto& item : request.items) asked.emplace_back(item.event, item.range);
            if (request.wants_counts) channel.send(client::AnvilResult{answer});
          }
        } catch (const io::StreamError&) {
        }
      });
      {
        auto [ours, theirs] = io::socket_pair();
        restrictions::Client client;
        client.address = address;
        smtpd::Session session(shared, io::Stream(std::move(ours)), client);
        story(session);
      }
      // What ends waits for no answer.
      for (int i = 0; i < 5000 && asked.size() < wanted; ++i) io::sleep_until(io::Deadline::after(1ms));
      serving.cancel();
      serving.join();
    });
    ASSERT_TRUE(fiber.join(io::Deadline::after(20s)));
    std::filesystem::remove(folder + "/anvil");
  }
  using Asked = std::vector<std::pair<AnvilEvent, std::string>>;

  std::string folder = [] {
    std::string name = std::filesystem::temp_directory_path() / "limits.XXXXXX";
    return std::string(::mkdtemp(name.data()));
  }();
  io::Loop loop;
  logging::Capture log;
  client::AnvilCounts answer{
      .connections = 11, .connection_rate = 12, .messages = 13, .recipients = 14, .new_tls = 15, .auths = 16};
  Asked asked;
  std::size_t wanted = 0;  // so many events will have come
};

std::string line(const std::optional<smtpd::Reply>& reply) {
  return reply ? reply->line() : "";
}

TEST_F(SmtpdLimits, ConnectionsAtOnce) {
  run("smtpd_client_connection_count_limit = 10", [&](smtpd::Session& session) {
    EXPECT_EQ(line(limits::at_connect(session)),
              "421 4.7.0 mail.example.test Error: too many connections from 192.0.2.7");
    EXPECT_EQ(asked, (Asked{{AnvilEvent::connect, "submission:192.0.2.7"}}));
    limits::at_disconnect(session);
  });
  EXPECT_TRUE(log.contains("Connection concurrency limit exceeded: 11 from unknown[192.0.2.7] for service submission"));
}

TEST_F(SmtpdLimits, ConnectionRate) {
  run("smtpd_client_connection_rate_limit = 11", [&](smtpd::Session& session) {
    EXPECT_EQ(line(limits::at_connect(session)),
              "421 4.7.0 mail.example.test Error: too many connections from 192.0.2.7");
  });
  EXPECT_TRUE(log.contains("Connection rate limit exceeded: 12 from unknown[192.0.2.7] for service submission"));
}

TEST_F(SmtpdLimits, EachRateHasItsWords) {
  run("smtpd_client_message_rate_limit = 1\nsmtpd_client_recipient_rate_limit = 1\nsmtpd_client_auth_rate_limit = 1\n"
      "smtpd_client_new_tls_session_rate_limit = 1\n",
      [&](smtpd::Session& session) {
        EXPECT_EQ(line(limits::at_connect(session)), "");
        EXPECT_EQ(line(limits::of_messages(session)), "450 4.7.1 Error: too much mail from 192.0.2.7");
        EXPECT_EQ(line(limits::of_recipients(session)), "450 4.7.1 Error: too many recipients from 192.0.2.7");
        EXPECT_EQ(line(limits::of_auth(session)), "450 4.7.1 Error: too many AUTH commands from 192.0.2.7");
        EXPECT_EQ(line(limits::before_tls(session)),
                  "454 4.7.0 Error: too many new TLS sessions from unknown[192.0.2.7]");
        EXPECT_EQ(asked.back().first, AnvilEvent::look);
        EXPECT_EQ(line(limits::of_tls_sessions(session)),
                  "421 4.7.0 mail.example.test Error: too many new TLS sessions from unknown[192.0.2.7]");
        EXPECT_EQ(asked.back().first, AnvilEvent::new_tls);
        session.tls.reused = true;
        asked.clear();
        EXPECT_EQ(line(limits::of_tls_sessions(session)), "");
        EXPECT_TRUE(asked.empty());
      });
  for (const char* text :
       {"Message delivery request rate limit exceeded: 13 from ", "Recipient address rate limit exceeded: 14 from ",
        "AUTH command rate limit exceeded: 16 from ", "New TLS session rate limit exceeded: 15 from "}) {
    EXPECT_TRUE(log.contains(text)) << text;
  }
}

TEST_F(SmtpdLimits, WhatIsNotLimitedIsNotAsked) {
  run("smtpd_client_message_rate_limit = 100", [&](smtpd::Session& session) {
    EXPECT_EQ(line(limits::of_recipients(session)), "");
    EXPECT_EQ(line(limits::at_connect(session)), "");
    EXPECT_EQ(asked.size(), 1U);  // the default for connections
    EXPECT_EQ(line(limits::of_auth(session)), "");
    EXPECT_EQ(line(limits::of_messages(session)), "");
    EXPECT_EQ(asked.size(), 2U);
  });
}

TEST_F(SmtpdLimits, SomeAreExempt) {
  for (const char* exempt : {"mynetworks = 192.0.2.0/24", "smtpd_client_event_limit_exceptions = 192.0.2.7",
                             "smtpd_authorized_xclient_hosts = 192.0.2.7"}) {
    run(fmt::format("smtpd_client_connection_count_limit = 1\nsmtpd_client_message_rate_limit = 1\n{}\n", exempt),
        [&](smtpd::Session& session) {
          EXPECT_EQ(line(limits::at_connect(session)), "") << exempt;
          EXPECT_EQ(line(limits::of_messages(session)), "");
        });
  }
  EXPECT_TRUE(asked.empty());
}

TEST_F(SmtpdLimits, NetworksStandForTheirAddresses) {
  run("smtpd_client_ipv4_prefix_length = 24",
      [&](smtpd::Session& session) { EXPECT_EQ(line(limits::at_connect(session)), ""); });
  run(
      "mynetworks =", [&](smtpd::Session& session) { EXPECT_EQ(line(limits::at_connect(session)), ""); },
      "2001:db8:1:2:3:4:5:6");
  run(
      "smtpd_client_ipv6_prefix_length = 128", [&](smtpd::Session& session) { (void)limits::at_connect(session); },
      "2001:db8:1:2:3:4:5:6");
  ASSERT_GE(asked.size(), 3U);
  std::vector<std::string> ranges;
  for (const auto& [event, range] : asked) {
    if (event == AnvilEvent::connect) ranges.push_back(range);
  }
  EXPECT_EQ(ranges, (std::vector<std::string>{"submission:192.0.2.0/24", "submission:2001:db8:1:2:3::/84",
                                              "submission:2001:db8:1:2:3:4:5:6"}));
}

TEST_F(SmtpdLimits, AccountsCountForThemselvesAlsoWhereClientsAreExempt) {
  run("mynetworks = 192.0.2.0/24\nsmtpd_sasl_account_message_rate_limit = 12\nsmtpd_sasl_account_recipient_rate_limit "
      "= 14\n",
      [&](smtpd::Session& session) {
        EXPECT_EQ(line(limits::at_connect(session)), "");
        EXPECT_EQ(line(limits::of_messages(session)), "");  // nobody's
        session.sasl_username = "Bob@Example";
        limits::account_known(session);
        EXPECT_EQ(line(limits::of_messages(session)), "450 4.7.1 Error: too much mail from Bob@Example");
        EXPECT_EQ(line(limits::of_recipients(session)), "");
        EXPECT_EQ(asked, (Asked{{AnvilEvent::message, "submission:sasl:bob@example"},
                                {AnvilEvent::recipient, "submission:sasl:bob@example"}}));
        session.sasl_username.clear();
        limits::account_known(session);
        EXPECT_EQ(line(limits::of_messages(session)), "");
      });
  EXPECT_TRUE(
      log.contains("Message delivery request rate limit exceeded: 13 from unknown[192.0.2.7] for service "
                   "submission, sasl_username=Bob@Example"));
}

TEST_F(SmtpdLimits, ALimitReachedIsNotExceeded) {
  run("smtpd_client_connection_count_limit = 11\nsmtpd_client_connection_rate_limit = "
      "12\nsmtpd_client_message_rate_limit = 13\n",
      [&](smtpd::Session& session) {
        EXPECT_EQ(line(limits::at_connect(session)), "");
        EXPECT_EQ(line(limits::of_messages(session)), "");
      });
}

TEST_F(SmtpdLimits, TheEndOfTheSessionIsTheEndOfItsConnection) {
  wanted = 2;
  run("", [&](smtpd::Session& session) { EXPECT_EQ(line(limits::at_connect(session)), ""); });
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[1].first, AnvilEvent::disconnect);
}

TEST_F(SmtpdLimits, WithoutAnvilNothingIsLimited) {
  auto config = config::Config::from_text("myhostname = a.example\nsmtpd_client_message_rate_limit = 1\n");
  smtpd::Shared shared({.config = &*config});
  auto [ours, theirs] = io::socket_pair();
  smtpd::Session session(shared, io::Stream(std::move(ours)), {});
  EXPECT_EQ(line(limits::at_connect(session)), "");
  EXPECT_EQ(line(limits::of_messages(session)), "");
}

}  // namespace
