// AUTH in a session of its own, with a back end played by the test.

#include "smtpd/auth.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "io/fiber.h"
#include "io/socket.h"
#include "logging/log.h"
#include "sasl/base64.h"
#include "smtpd/session.h"
#include "smtpd/shared.h"

namespace {

using namespace std::chrono_literals;
using Step = sasl::Attempt::Step;

// PLAIN with "\0bob\0secret", LOGIN with "bob" and "secret"; LONG challenges with 3000 bytes; ODD ends with a name that
// is none; ENDLESS never ends; DOWN cannot be asked. It insists that an attempt is used as such.
class PlayedAttempt final : public sasl::Attempt {
 public:
  explicit PlayedAttempt(std::string_view mechanism) : mechanism_(mechanism) {}

  Step start(std::optional<std::string> initial, io::Deadline) override {
    EXPECT_FALSE(started_) << "an attempt was used twice";
    started_ = true;
    if (mechanism_ == "DOWN") return end({Step::Kind::unavailable, "generic failure", {}});
    if (mechanism_ == "ODD") return end({Step::Kind::done, {}, "bo\nb"});
    if (mechanism_ == "SILENT") return end({Step::Kind::failed, {}, {}});
    if (mechanism_ == "LONG") return {Step::Kind::challenge, std::string(3000, 'c'), {}};
    if (mechanism_ == "ENDLESS") return {Step::Kind::challenge, {}, {}};
    if (mechanism_ == "PLAIN") return initial ? plain(*initial) : Step{Step::Kind::challenge, {}, {}};
    if (mechanism_ == "LOGIN") {
      if (!initial) return {Step::Kind::challenge, "Username:", {}};
      return login(*initial);
    }
    return end({Step::Kind::failed, "no mechanism available", {}});
  }
  Step go_on(std::string_view response, io::Deadline) override {
    EXPECT_TRUE(started_ && !ended_) << "an attempt was used after its end";
    if (mechanism_ == "ENDLESS") return {Step::Kind::challenge, {}, {}};
    return mechanism_ == "LOGIN" ? login(response) : plain(response);
  }
  std::string username_so_far() const override { return name_; }
  std::string reason_for_bad_base64(std::string_view, bool initial) const override {
    return initial ? "bad initial" : "bad response";
  }

 private:
  Step end(Step step) {
    ended_ = true;
    return step;
  }
  Step plain(std::string_view response) {
    if (response != std::string_view("\0bob\0secret", 11))
      return end({Step::Kind::failed, "authentication failure", {}});
    return end({Step::Kind::done, {}, "bob"});
  }
  Step login(std::string_view response) {
    if (name_.empty()) {
      name_ = response;
      return {Step::Kind::challenge, "Password:", {}};
    }
    if (name_ != "bob" || response != "secret") return end({Step::Kind::failed, "authentication failure", {}});
    return end({Step::Kind::done, {}, "bob"});
  }

  std::string mechanism_, name_;
  bool started_ = false, ended_ = false;
};

class PlayedServer final : public sasl::Server {
 public:
  std::expected<std::vector<std::string>, base::Error> mechanisms(const sasl::Peer& peer, io::Deadline) override {
    if (!reachable) return std::unexpected(base::Error{"away"});
    return peer.tls ? std::vector<std::string>{"PLAIN", "LOGIN"} : std::vector<std::string>{"LOGIN"};
  }
  std::unique_ptr<sasl::Attempt> begin(const sasl::Peer&, std::string_view mechanism,
                                       std::string_view service) override {
    EXPECT_EQ(service, "smtp");
    ++attempts;
    return std::make_unique<PlayedAttempt>(mechanism);
  }
  bool reachable = true;
  int attempts = 0;
};

const std::string kGood = "AGJvYgBzZWNyZXQ=";  // "\0bob\0secret"
const std::string kBad = "AGJvYgB3cm9uZw==";   // "\0bob\0wrong"

class Auth : public testing::Test {
 protected:
  // Plays a session; `story` is the client's side.
  template <typename Story>
  void play(Story story, std::string_view main_cf = "") {
    auto config = config::Config::from_text(
        fmt::format("myhostname = mail.example.test\nsmtpd_sasl_auth_enable = yes\nsmtpd_error_sleep_time = 0\n"
                    "smtpd_hard_error_limit = 100000\nsmtpd_junk_command_limit = 100000\n{}",
                    main_cf),
        {.process_name = "smtpd", .service_name = "smtp"});
    ASSERT_TRUE(config) << config.error().text;
    smtpd::Shared shared({.config = &*config, .sasl = &server});
    auto [ours, theirs] = io::socket_pair();
    restrictions::Client client;
    client.address = "192.0.2.7";
    smtpd::Session served_session(shared, io::Stream(std::move(ours)), client);
    session = &served_session;
    auto served = loop.spawn("session", [&] { served_session.run(); });
    auto played = loop.spawn("client", [&, fd = std::make_shared<base::Fd>(std::move(theirs))] {
      io::Stream own(std::move(*fd), 65536);
      own.set_deadline(io::Deadline::after(20s));
      stream = &own;
      EXPECT_TRUE(reply().starts_with("220"));
      story();
      stream = nullptr;
    });
    ASSERT_TRUE(played.join(io::Deadline::after(30s)));
    ASSERT_TRUE(served.join(io::Deadline::after(30s)));
  }
  std::string reply() {
    while (true) {
      std::string line = stream->read_line(100000).text;
      if (line.substr(0, 4).find('-') == std::string::npos) return line;
    }
  }
  std::string say(std::string_view line) {
    stream->write(line);
    stream->write("\r\n");
    stream->flush();
    return reply();
  }

  io::Loop loop;
  PlayedServer server;
  io::Stream* stream = nullptr;
  smtpd::Session* session = nullptr;
  logging::Capture log;
};

TEST_F(Auth, WithInitialResponse) {
  play([&] {
    EXPECT_EQ(say("AUTH plain " + kGood), "235 2.7.0 Authentication successful");
    EXPECT_EQ(session->sasl_username, "bob");
    EXPECT_EQ(session->sasl_method, "plain");
    EXPECT_EQ(session->ranges.account, "smtp:sasl:bob");
    EXPECT_EQ(say("AUTH PLAIN " + kGood), "503 5.5.1 Error: already authenticated");
  });
}

TEST_F(Auth, InSteps) {
  play([&] {
    EXPECT_EQ(say("AUTH PLAIN"), "334 ");
    EXPECT_EQ(say(kGood), "235 2.7.0 Authentication successful");
  });
  play([&] {
    EXPECT_EQ(say("AUTH LOGIN"), "334 VXNlcm5hbWU6");
    EXPECT_EQ(say("Ym9i"), "334 UGFzc3dvcmQ6");
    EXPECT_EQ(say("c2VjcmV0"), "235 2.7.0 Authentication successful");
  });
}

TEST_F(Auth, AFailureIsSaidAndLogged) {
  play([&] {
    EXPECT_EQ(say("AUTH PLAIN " + kBad), "535 5.7.8 Error: authentication failed: authentication failure");
    EXPECT_EQ(say("AUTH LOGIN Ym9i"), "334 UGFzc3dvcmQ6");
    EXPECT_EQ(say("eA=="), "535 5.7.8 Error: authentication failed: authentication failure");
    EXPECT_EQ(say("AUTH SILENT"), "535 5.7.8 Error: authentication failed: (reason unavailable)");
    EXPECT_EQ(say("AUTH DOWN"), "454 4.7.0 Temporary authentication failure: generic failure");
    EXPECT_TRUE(session->sasl_username.empty());
  });
  EXPECT_TRUE(log.contains(
      "unknown[192.0.2.7]: SASL PLAIN authentication failed: authentication failure, sasl_username=(unavailable)"));
  EXPECT_TRUE(
      log.contains("unknown[192.0.2.7]: SASL LOGIN authentication failed: authentication failure, sasl_username=bob"));
}

TEST_F(Auth, TheClientMayGiveUp) {
  play([&] {
    say("AUTH LOGIN");
    EXPECT_EQ(say("*"), "501 5.7.0 Authentication aborted");
    EXPECT_EQ(say("AUTH PLAIN " + kGood), "235 2.7.0 Authentication successful");
  });
  EXPECT_TRUE(log.contains("unknown[192.0.2.7]: SASL LOGIN authentication aborted"));
  EXPECT_EQ(server.attempts, 2);
}

TEST_F(Auth, EqualsSignIsAnEmptyResponseWithTheCommandAlone) {
  play([&] {
    EXPECT_EQ(say("AUTH PLAIN ="), "535 5.7.8 Error: authentication failed: authentication failure");
    say("AUTH PLAIN");
    EXPECT_EQ(say("="), "535 5.7.8 Error: authentication failed: bad response");
    say("AUTH PLAIN");
    EXPECT_EQ(say(""), "535 5.7.8 Error: authentication failed: authentication failure");
  });
}

TEST_F(Auth, OnlyBase64IsTaken) {
  play([&] {
    for (const char* bad : {"!!", "Zg", "Zg=", "Zg==Zg==", "Zh=="}) {
      EXPECT_EQ(say(fmt::format("AUTH PLAIN {}", bad)), "535 5.7.8 Error: authentication failed: bad initial");
      say("AUTH PLAIN");
      EXPECT_EQ(say(bad), "535 5.7.8 Error: authentication failed: bad response");
    }
  });
}

TEST_F(Auth, ResponsesHaveALimit) {
  play([&] {
    say("AUTH LOGIN");
    EXPECT_EQ(say(std::string(12288, 'A')), "500 5.5.6 SASL response limit exceeded");
    EXPECT_EQ(say("NOOP"), "250 2.0.0 Ok");
    say("AUTH LOGIN");
    EXPECT_EQ(say(std::string(60'000, 'A')), "500 5.5.6 SASL response limit exceeded");
    EXPECT_EQ(say("NOOP"), "250 2.0.0 Ok");
    say("AUTH LOGIN");
    EXPECT_EQ(say(std::string(12284, 'A')), "334 UGFzc3dvcmQ6");
    EXPECT_EQ(say("*"), "501 5.7.0 Authentication aborted");
  });
  EXPECT_TRUE(log.contains("unknown[192.0.2.7]: request longer than 12288: (not shown)..."));
}

TEST_F(Auth, AnEndlessResponseEndsTheSession) {
  play([&] {
    say("AUTH LOGIN");
    stream->write(std::string(120'000, 'A'));
    stream->flush();
    EXPECT_EQ(reply(), "500 5.5.6 SASL response limit exceeded");
  });
}

TEST_F(Auth, ALineThatTricklesInHasTheTimeOfOneRequest) {
  play(
      [&] {
        say("AUTH LOGIN");
        stream->write(std::string(13'000, 'A'));
        const auto start = io::Clock::now();
        while (!stream->input_waiting() && io::Clock::now() - start < 15s) {
          stream->write("A");
          stream->flush();
          io::sleep_until(io::Deadline::after(50ms));
        }
        EXPECT_EQ(reply(), "421 4.4.2 mail.example.test Error: timeout exceeded");
      },
      "smtpd_timeout = 1s\n");
  EXPECT_TRUE(log.contains("timeout after AUTH from unknown[192.0.2.7]"));
}

TEST_F(Auth, ChallengesMayBeLong) {
  play([&] {
    EXPECT_EQ(say("AUTH LONG"), "334 " + sasl::encode_base64(std::string(3000, 'c')));
    say("*");
  });
}

TEST_F(Auth, NoMechanismGoesOnForEver) {
  play([&] {
    std::string said = say("AUTH ENDLESS");
    int steps = 0;
    while (said == "334 " && ++steps < 1000) said = say("");
    EXPECT_EQ(said, "535 5.7.8 Error: authentication failed: too many steps");
    EXPECT_LT(steps, 100);
  });
}

TEST_F(Auth, ANameThatIsNoneIsNotTaken) {
  play([&] {
    EXPECT_TRUE(say("AUTH ODD").starts_with("535 5.7.8 "));
    EXPECT_FALSE(session->authenticated());
  });
}

TEST_F(Auth, SyntaxAndOrder) {
  play([&] {
    EXPECT_EQ(say("AUTH"), "501 5.5.4 Syntax: AUTH mechanism");
    EXPECT_EQ(say("AUTH PLAIN a b"), "501 5.5.4 Syntax: AUTH mechanism");
    EXPECT_EQ(say("MAIL FROM:<a@example.test>").substr(0, 3), "250");
    EXPECT_EQ(say("AUTH"), "503 5.5.1 Error: MAIL transaction in progress");
    EXPECT_EQ(say("RSET"), "250 2.0.0 Ok");
    EXPECT_EQ(say("AUTH NONE"), "535 5.7.8 Error: authentication failed: no mechanism available");
  });
}

TEST_F(Auth, OnlyWhereItIsEnabled) {
  play([&] { EXPECT_EQ(say("AUTH PLAIN " + kGood), "503 5.5.1 Error: authentication not enabled"); },
       "smtpd_sasl_auth_enable = no\n");
  play([&] { EXPECT_EQ(say("AUTH PLAIN " + kGood), "503 5.5.1 Error: authentication not enabled"); },
       "smtpd_tls_auth_only = yes\n");
  play(
      [&] {
        session->tls.active = true;
        EXPECT_EQ(say("AUTH PLAIN " + kGood), "235 2.7.0 Authentication successful");
      },
      "smtpd_tls_auth_only = yes\n");
  play([&] { EXPECT_EQ(say("AUTH PLAIN " + kGood), "503 5.5.1 Error: send HELO/EHLO first"); },
       "smtpd_helo_required = yes\n");
}

TEST_F(Auth, WhatEhloSays) {
  play([&] {
    EXPECT_EQ(smtpd::auth_keywords(*session), std::vector<std::string>{"AUTH LOGIN"});
    session->tls.active = true;
    EXPECT_EQ(smtpd::auth_keywords(*session), std::vector<std::string>{"AUTH PLAIN LOGIN"});
    server.reachable = false;
    EXPECT_TRUE(smtpd::auth_keywords(*session).empty());
  });
  EXPECT_TRUE(log.contains("no SASL authentication mechanisms: away"));
  server.reachable = true;
  play([&] { EXPECT_TRUE(smtpd::auth_keywords(*session).empty()); }, "smtpd_sasl_exceptions_networks = 192.0.2.0/24\n");
  play([&] { EXPECT_TRUE(smtpd::auth_keywords(*session).empty()); }, "smtpd_tls_auth_only = yes\n");
  play([&] { EXPECT_EQ(smtpd::auth_keywords(*session), (std::vector<std::string>{"AUTH LOGIN", "AUTH=LOGIN"})); },
       "smtpd_sasl_exceptions_networks = !192.0.2.0/24, static:all\nbroken_sasl_auth_clients = yes\n");
}

TEST_F(Auth, AClientThatGoesAwayInTheMiddleEndsItsSession) {
  for (const std::string_view start : {"AUTH LOGIN\r\n", "AUTH LOGIN\r\nYm9i\r\n", "AUTH LOGIN\r\nYm9", "AUTH LO"}) {
    play([&] {
      stream->write(start);
      stream->flush();
    });
  }
  play([&] {
    stream->write("AUTH LOGIN\r\n" + std::string(100'000, 'A'));
    stream->flush();
  });
  EXPECT_TRUE(log.contains("lost connection after AUTH from unknown[192.0.2.7]"));
}

// Every order of what a client may do around AUTH, up to four steps, against a model: who is authenticated, and whether
// a transaction is open.
TEST_F(Auth, EveryOrderOfStepsFollowsTheModel) {
  enum Action { good, bad, abort, twice, junk, too_long, reset, hello, begin, kActions };
  play([&] {
    const auto act = [&](int action, bool& authenticated, bool& open) {
      const std::string refusal = open            ? "503 5.5.1 Error: MAIL transaction in progress"
                                  : authenticated ? "503 5.5.1 Error: already authenticated"
                                                  : "";
      const auto expect = [&](const std::string& said, const std::string& otherwise) {
        EXPECT_EQ(said, refusal.empty() ? otherwise : refusal);
      };
      switch (action) {
        case good:
          expect(say("AUTH PLAIN " + kGood), "235 2.7.0 Authentication successful");
          if (refusal.empty()) authenticated = true;
          break;
        case bad:
          expect(say("AUTH PLAIN " + kBad), "535 5.7.8 Error: authentication failed: authentication failure");
          break;
        case abort:
          expect(say("AUTH LOGIN"), "334 VXNlcm5hbWU6");
          if (refusal.empty()) {
            EXPECT_EQ(say("*"), "501 5.7.0 Authentication aborted");
          }
          break;
        case twice:
          expect(say("AUTH LOGIN Ym9i"), "334 UGFzc3dvcmQ6");
          if (refusal.empty()) {
            EXPECT_EQ(say("c2VjcmV0"), "235 2.7.0 Authentication successful");
            authenticated = true;
          }
          break;
        case junk:  // a command where a response belongs is a response
          expect(say("AUTH LOGIN"), "334 VXNlcm5hbWU6");
          if (refusal.empty()) {
            EXPECT_EQ(say("RSET!"), "535 5.7.8 Error: authentication failed: bad response");
          }
          break;
        case too_long:
          expect(say("AUTH LOGIN"), "334 VXNlcm5hbWU6");
          if (refusal.empty()) {
            EXPECT_EQ(say(std::string(12288, '*')), "500 5.5.6 SASL response limit exceeded");
          }
          break;
        case reset:
          EXPECT_EQ(say("RSET"), "250 2.0.0 Ok");
          open = false;
          break;
        case hello:
          EXPECT_TRUE(say("EHLO client").starts_with("250"));
          open = false;
          break;
        case begin:
          EXPECT_EQ(say("MAIL FROM:<a@example.test>").substr(0, 3), open ? "503" : "250");
          open = true;
          break;
      }
      EXPECT_EQ(session->authenticated(), authenticated);
      EXPECT_EQ(session->transaction.active(), open);
    };
    const int total = kActions * kActions * kActions * kActions;
    for (int number = 0; number < total && !HasFailure(); ++number) {
      SCOPED_TRACE(number);
      bool authenticated = false, open = false;
      int rest = number;
      for (int i = 0; i < 4; ++i, rest /= kActions) act(rest % kActions, authenticated, open);
      say("RSET");
      session->sasl_username.clear();  // the next client
      session->sasl_method.clear();
    }
  });
}

}  // namespace
