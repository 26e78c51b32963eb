#include "qmgr/retry.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace qmgr {
namespace {

constexpr std::time_t kNow = 1'800'000'000;

RetrySettings exact() {
  RetrySettings settings;
  settings.jitter = 0;
  return settings;
}

TEST(Retry, ThePauseIsTheAgeOfTheMessageWithinItsBounds) {
  EXPECT_EQ(next_attempt(exact(), "A", kNow, kNow), kNow + 300);
  EXPECT_EQ(next_attempt(exact(), "A", kNow, kNow - 1000), kNow + 1000);
  EXPECT_EQ(next_attempt(exact(), "A", kNow, kNow - 100'000), kNow + 4000);
}

TEST(Retry, AClockThatWentBackIsAnAgeOfNothing) {
  EXPECT_EQ(next_attempt(exact(), "A", kNow, kNow + 5000), kNow + 300);
}

TEST(Retry, JitterProlongsThePauseByItsPercentageAtMost) {
  RetrySettings settings;
  settings.jitter = 10;
  std::set<std::time_t> times;
  for (int i = 0; i < 200; ++i) times.insert(next_attempt(settings, "ID" + std::to_string(i), kNow, kNow - 1000));
  EXPECT_GE(*times.begin(), kNow + 1000);
  EXPECT_LE(*times.rbegin(), kNow + 1100);
  EXPECT_GT(times.size(), 60U) << "they must spread";
}

TEST(Retry, JitterIsTheSameForTheSameMessageAndAge) {
  RetrySettings settings;
  EXPECT_EQ(next_attempt(settings, "A", kNow, kNow - 1000), next_attempt(settings, "A", kNow, kNow - 1000));
  std::set<std::time_t> times;
  for (std::time_t age = 5000; age < 5050; ++age) times.insert(next_attempt(settings, "A", kNow, kNow - age));
  EXPECT_GT(times.size(), 20U) << "and differs from attempt to attempt";
}

TEST(Retry, MailWithoutASenderHasALifetimeOfItsOwn) {
  RetrySettings settings;
  settings.bounce_lifetime = 86400;
  EXPECT_FALSE(is_too_old(settings, true, kNow, kNow - 2 * 86400));
  EXPECT_TRUE(is_too_old(settings, false, kNow, kNow - 2 * 86400));
  EXPECT_TRUE(is_too_old(settings, true, kNow, kNow - 5 * 86400));
}

TEST(Retry, ALifetimeOfNothingIsOneAttempt) {
  RetrySettings settings;
  settings.lifetime = 0;
  EXPECT_TRUE(is_too_old(settings, true, kNow, kNow));
}

TEST(BelievedTime, FollowsTheClock) {
  BelievedTime time(300);
  EXPECT_EQ(time.observe(kNow, 0), kNow);
  EXPECT_EQ(time.observe(kNow + 3000, 2), kNow + 3000);
  EXPECT_EQ(time.observe(kNow - 9000, 3), kNow - 9000) << "back is never in doubt";
  EXPECT_FALSE(time.in_doubt());
}

TEST(BelievedTime, DoubtsALongStepAheadUntilItLasts) {
  BelievedTime time(300);
  (void)time.observe(kNow, 0);
  EXPECT_EQ(time.observe(kNow + 86400, 10), kNow + 10);
  EXPECT_TRUE(time.in_doubt());
  EXPECT_EQ(time.observe(kNow + 86400 + 100, 110), kNow + 110);
  EXPECT_EQ(time.observe(kNow + 86400 + 300, 310), kNow + 86400 + 300);
  EXPECT_FALSE(time.in_doubt());
}

TEST(BelievedTime, AStepThatIsTakenBackLeavesNoTrace) {
  BelievedTime time(300);
  (void)time.observe(kNow, 0);
  (void)time.observe(kNow + 86400, 10);
  EXPECT_EQ(time.observe(kNow + 20, 20), kNow + 20);
  EXPECT_EQ(time.observe(kNow + 86400, 400), kNow + 400) << "the next one is doubted anew";
}

TEST(BelievedTime, RemembersThatTheClockWasSetBack) {
  BelievedTime time(300);
  (void)time.observe(kNow, 0);
  EXPECT_EQ(time.set_back(), 0);
  (void)time.observe(kNow + 6 * 86400, 10);
  EXPECT_EQ(time.set_back(), 0);
  (void)time.observe(kNow + 20, 20);
  EXPECT_EQ(time.set_back(), 6 * 86400 - 10);
}

TEST(BelievedTime, ASecondThatComesTwiceIsNoStepBack) {
  BelievedTime time(300);
  (void)time.observe(kNow, 0);
  (void)time.observe(kNow + 9, 10);
  (void)time.observe(kNow + 9, 12);
  EXPECT_EQ(time.set_back(), 0);
}

TEST(BelievedTime, ALongSleepOfTheProcessIsNoStep) {
  BelievedTime time(300);
  (void)time.observe(kNow, 0);
  EXPECT_EQ(time.observe(kNow + 86400, 86400), kNow + 86400);
}

}  // namespace
}  // namespace qmgr
