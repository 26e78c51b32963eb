#include "sasl/dovecot_protocol.h"

#include <gtest/gtest.h>

namespace {

using namespace sasl::dovecot;
using Kind = Line::Kind;

TEST(DovecotLine, MechanismWithItsTraits) {
  const Line line = parse_line("MECH\tcram-md5\tdictionary\tactive\tsomething-new");
  EXPECT_EQ(line.kind, Kind::mechanism);
  EXPECT_EQ(line.mechanism.name, "CRAM-MD5");
  EXPECT_TRUE(line.mechanism.dictionary && line.mechanism.active);
  EXPECT_FALSE(line.mechanism.plaintext || line.mechanism.anonymous || line.mechanism.internal);
}

TEST(DovecotLine, OkHasTheNameUnescaped) {
  const Line line = parse_line("OK\t7\tuser=bo\001tb\tother=x");
  EXPECT_EQ(line.kind, Kind::ok);
  EXPECT_EQ(line.id, 7U);
  EXPECT_EQ(line.user, "bo\tb");
}

TEST(DovecotLine, FailHasReasonAndWhetherItIsTemporary) {
  const Line line = parse_line("FAIL\t12\tuser=bob\treason=go away\ttemp");
  EXPECT_EQ(line.kind, Kind::fail);
  EXPECT_EQ(line.reason, "go away");
  EXPECT_EQ(line.user, "bob");
  EXPECT_TRUE(line.temporary);
  EXPECT_FALSE(parse_line("FAIL\t12\treason=temp").temporary);
}

TEST(DovecotLine, ChallengeIsDecodedAndMayBeEmpty) {
  EXPECT_EQ(parse_line("CONT\t1\tVXNlcm5hbWU6").data, "Username:");
  EXPECT_EQ(parse_line("CONT\t1\t").data, "");
  EXPECT_EQ(parse_line("CONT\t1").data, "");
  EXPECT_EQ(parse_line("CONT\t1\t=").data, "");
  EXPECT_FALSE(parse_line("CONT\t1\tabc").data);
}

TEST(DovecotLine, WhatCannotBeUnderstoodIsSaidToBeSo) {
  for (const std::string_view text :
       {"OK", "OK\t", "OK\tx", "OK\t-1", "OK\t4294967296", "FAIL\t 1", "CONT", "CONT\t\tabc", "VERSION", "VERSION\t1",
        "VERSION\t1\tx", "VERSION\t99999999999\t1", "MECH", "MECH\t", "MECH\tPLAIN\r", "MECH\tA B"}) {
    EXPECT_EQ(parse_line(text).kind, Kind::malformed) << text;
  }
}

TEST(DovecotLine, OthersAreLeftAlone) {
  for (const std::string_view text : {"", "CUID\t1", "COOKIE\tabc", "NEWS\tx", "ok\t1"}) {
    EXPECT_EQ(parse_line(text).kind, Kind::other) << text;
  }
}

std::expected<Greeting::State, base::Error> greet(Greeting& greeting, std::initializer_list<std::string_view> lines) {
  std::expected<Greeting::State, base::Error> state = Greeting::State::more;
  for (const std::string_view line : lines) {
    state = greeting.take(parse_line(line));
    if (!state) break;
  }
  return state;
}

TEST(DovecotGreeting, InAnyOrderUntilDone) {
  Greeting greeting;
  const auto state =
      greet(greeting, {"MECH\tPLAIN\tplaintext", "VERSION\t1\t2", "SPID\t1", "CUID\t2", "COOKIE\tx", "DONE"});
  ASSERT_TRUE(state);
  EXPECT_EQ(*state, Greeting::State::complete);
  EXPECT_EQ(greeting.mechanisms.size(), 1U);
  EXPECT_EQ(greeting.minor, 2);
}

TEST(DovecotGreeting, AnotherMajorVersionIsAnError) {
  Greeting greeting;
  const auto state = greet(greeting, {"VERSION\t2\t0"});
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().text, "SASL: Protocol version mismatch (2 vs. 1)");
}

TEST(DovecotGreeting, TheMasterSocketIsTheWrongOne) {
  Greeting greeting;
  const auto state = greet(greeting, {"VERSION\t1\t1", "SPID\t1", "MECH\tPLAIN", "DONE"});
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().text, "SASL: Connected to wrong auth socket (auth-master instead of auth-client)");
}

TEST(DovecotGreeting, MechanismsWithoutEndAreNotKept) {
  Greeting greeting;
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(greeting.take(parse_line("MECH\tPLAIN")));
  EXPECT_EQ(greeting.mechanisms.size(), kMostMechanisms);
}

TEST(DovecotRequest, HasEverythingInItsPlace) {
  const std::optional<std::string> initial("secret");
  const std::optional<std::string> none, empty("");
  Request request{5, "PLAIN", "smtp", "192.0.2.1", "198.51.100.7", false, &none};
  EXPECT_EQ(request_line(request), "AUTH\t5\tPLAIN\tservice=smtp\tnologin\tlip=192.0.2.1\trip=198.51.100.7\n");
  request.secured = true;
  request.initial = &empty;
  EXPECT_EQ(request_line(request),
            "AUTH\t5\tPLAIN\tservice=smtp\tnologin\tlip=192.0.2.1\trip=198.51.100.7\tsecured\tresp==\n");
  EXPECT_EQ(response_line(5, "bob"), "CONT\t5\tYm9i\n");
  EXPECT_EQ(cancel_line(5), "CANCEL\t5\n");
}

TEST(DovecotRequest, NothingInItEndsAFieldOrTheLine) {
  const std::optional<std::string> none;
  const std::string line = request_line({1, "PL\tAIN", "sm\ntp", "1\r\n", "\t2", false, &none});
  EXPECT_EQ(line, "AUTH\t1\tPLAIN\tservice=smtp\tnologin\tlip=1\trip=2\n");
}

TEST(DovecotMechanism, SecurityOptionsDecide) {
  const Mechanism plain{.name = "PLAIN", .plaintext = true};
  const Mechanism anonymous{.name = "ANONYMOUS", .anonymous = true};
  const Mechanism internal{.name = "APOP", .internal = true};
  EXPECT_TRUE(allowed(plain, {.no_anonymous = true}));
  EXPECT_FALSE(allowed(plain, {.no_plaintext = true}));
  EXPECT_FALSE(allowed(anonymous, {.no_anonymous = true}));
  EXPECT_FALSE(allowed(internal, {}));
  EXPECT_FALSE(allowed(plain, {.mutual_auth = true}));
}

}  // namespace
