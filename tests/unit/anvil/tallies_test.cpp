#include "anvil/tallies.h"

#include <gtest/gtest.h>

#include "logging/log.h"

namespace {

using namespace std::chrono_literals;
using client::AnvilEvent;

class Tallies : public testing::Test {
 protected:
  client::AnvilCounts count(std::string_view range, AnvilEvent event, int by = 1) {
    return tallies.count(range, event, by, now);
  }
  anvil::Tallies tallies{60s, 4};
  io::Clock::time_point now{1000s};
};

TEST_F(Tallies, ConnectionsAreCountedAndGoAgain) {
  EXPECT_EQ(count("smtp:1", AnvilEvent::connect).connections, 1);
  const auto second = count("smtp:1", AnvilEvent::connect);
  EXPECT_EQ(second.connections, 2);
  EXPECT_EQ(second.connection_rate, 2);
  EXPECT_EQ(count("smtp:1", AnvilEvent::disconnect).connections, 1);
  EXPECT_EQ(count("smtp:2", AnvilEvent::connect).connections, 1);
}

TEST_F(Tallies, EachKindHasItsRate) {
  count("r", AnvilEvent::message);
  count("r", AnvilEvent::recipient, 3);
  count("r", AnvilEvent::new_tls);
  count("r", AnvilEvent::auth);
  const auto counts = count("r", AnvilEvent::auth);
  EXPECT_EQ(counts.messages, 1);
  EXPECT_EQ(counts.recipients, 3);
  EXPECT_EQ(counts.new_tls, 1);
  EXPECT_EQ(counts.auths, 2);
}

TEST_F(Tallies, RatesBeginAnewAfterTheTimeUnitAndConnectionsStay) {
  count("r", AnvilEvent::connect);
  count("r", AnvilEvent::message);
  now += 59s;
  EXPECT_EQ(count("r", AnvilEvent::message).messages, 2);
  now += 1s;
  const auto counts = count("r", AnvilEvent::message);
  EXPECT_EQ(counts.messages, 1);
  EXPECT_EQ(counts.connections, 1);
  EXPECT_EQ(counts.connection_rate, 0);
}

TEST_F(Tallies, LookingCountsNothingAndRemembersNothing) {
  EXPECT_EQ(count("r", AnvilEvent::look).new_tls, 0);
  EXPECT_EQ(tallies.size(), 0U);
  count("r", AnvilEvent::new_tls);
  EXPECT_EQ(count("r", AnvilEvent::look).new_tls, 1);
}

TEST_F(Tallies, HeldConnectionsAreNoNewOnes) {
  const auto counts = count("r", AnvilEvent::held, 5);
  EXPECT_EQ(counts.connections, 5);
  EXPECT_EQ(counts.connection_rate, 0);
}

TEST_F(Tallies, MoreEndsThanBeginningsEndAtNothing) {
  count("r", AnvilEvent::connect);
  EXPECT_EQ(count("r", AnvilEvent::disconnect, 7).connections, 0);
  EXPECT_EQ(count("never", AnvilEvent::disconnect).connections, 0);
  EXPECT_EQ(tallies.size(), 1U);
}

TEST_F(Tallies, QuietRangesAreForgottenAfterTheirTime) {
  count("a", AnvilEvent::message);
  now += 30s;
  count("b", AnvilEvent::message);
  now += 30s;
  tallies.forget_old(now);
  EXPECT_EQ(tallies.size(), 1U);
  now += 30s;
  tallies.forget_old(now);
  EXPECT_EQ(tallies.size(), 0U);
}

TEST_F(Tallies, RangesWithConnectionsStay) {
  count("a", AnvilEvent::connect);
  now += 1h;
  tallies.forget_old(now);
  EXPECT_EQ(count("a", AnvilEvent::look).connections, 1);
  count("a", AnvilEvent::disconnect);
  now += 1h;
  tallies.forget_old(now);
  EXPECT_EQ(tallies.size(), 0U);
}

TEST_F(Tallies, TheLongestQuietOneMakesWay) {
  for (const char* range : {"a", "b", "c", "d"}) count(range, AnvilEvent::message);
  count("a", AnvilEvent::message);  // b is the quietest now
  count("e", AnvilEvent::message);
  EXPECT_EQ(tallies.size(), 4U);
  EXPECT_EQ(count("a", AnvilEvent::look).messages, 2);
  EXPECT_EQ(count("b", AnvilEvent::look).messages, 0);
}

TEST_F(Tallies, WithoutAPlaceCountsAreOfOneEvent) {
  for (const char* range : {"a", "b", "c", "d"}) count(range, AnvilEvent::connect);
  EXPECT_EQ(count("e", AnvilEvent::connect).connections, 1);
  EXPECT_EQ(count("e", AnvilEvent::connect).connections, 1);
  EXPECT_EQ(tallies.size(), 4U);
  EXPECT_EQ(count("a", AnvilEvent::connect).connections, 2);
}

TEST_F(Tallies, CountsStopAtTheLargestNumber) {
  constexpr int kMost = std::numeric_limits<int>::max();
  count("r", AnvilEvent::recipient, kMost);
  EXPECT_EQ(count("r", AnvilEvent::recipient, 5).recipients, kMost);
  EXPECT_EQ(count("r", AnvilEvent::recipient, -7).recipients, kMost);
}

TEST_F(Tallies, ManyEventsLeaveNoMoreThanTheLimit) {
  for (int i = 0; i < 10000; ++i) {
    count("range" + std::to_string(i * 7919 % 1000), static_cast<AnvilEvent>(i % 8));
    now += 10ms;
    ASSERT_LE(tallies.size(), 4U);
  }
}

TEST_F(Tallies, PeaksAreToldOnceInPostfixsWords) {
  count("smtp:192.0.2.7", AnvilEvent::connect);
  count("smtp:192.0.2.7", AnvilEvent::connect);
  count("smtp:192.0.2.7", AnvilEvent::auth);
  logging::Capture log;
  tallies.peaks().log(60);
  ASSERT_EQ(log.events().size(), 4U);
  EXPECT_TRUE(log.events()[0].text.starts_with("statistics: max connection rate 2/60s for (smtp:192.0.2.7) at "));
  EXPECT_EQ(log.events()[0].text.size(),
            std::string("statistics: max connection rate 2/60s for (smtp:192.0.2.7) at Jul 14 10:11:12").size());
  EXPECT_TRUE(log.events()[1].text.starts_with("statistics: max connection count 2 for (smtp:192.0.2.7) at "));
  EXPECT_TRUE(log.events()[2].text.starts_with("statistics: max auth rate 1/60s for (smtp:192.0.2.7) at "));
  EXPECT_TRUE(log.events()[3].text.starts_with("statistics: max cache size 1 at "));
  tallies.peaks().log(60);
  EXPECT_EQ(log.events().size(), 4U);
}

}  // namespace
