#include "world.h"

namespace qmgr::scheduler {
namespace {

using Result = Scheduler::Result;

TransportSettings settings_with(int initial, int limit, Feedback positive = {}, Feedback negative = {}) {
  TransportSettings settings;
  settings.initial_concurrency = initial;
  settings.concurrency_limit = limit;
  settings.positive = positive;
  settings.negative = negative;
  settings.destination_recipient_limit = 2;
  settings.capacity = 1000;
  return settings;
}

TEST(Feedback, ReadsNumbersAndFractions) {
  EXPECT_DOUBLE_EQ(Feedback::parse("0.25")->at(10), 0.25);
  EXPECT_DOUBLE_EQ(Feedback::parse("1/5")->at(10), 0.2);
  EXPECT_DOUBLE_EQ(Feedback::parse("1/concurrency")->at(10), 0.1);
  EXPECT_DOUBLE_EQ(Feedback::parse(" 1 / sqrt_concurrency ")->at(16), 0.25);
  EXPECT_DOUBLE_EQ(Feedback::parse("0")->at(3), 0);
}

TEST(Feedback, RefusesWhatMakesNoSense) {
  for (const char* text : {"", "2", "-1", "1/0", "1/x", "x", "1/", "/2", "nan", "1e400", "1/-2"}) {
    EXPECT_FALSE(Feedback::parse(text)) << text;
  }
}

TEST(Concurrency, BeginsAtTheInitialNumber) {
  World world(settings_with(5, 20));
  world.mail("a", World::at("x", 100));
  EXPECT_EQ(world.start_all(), 5);
}

TEST(Concurrency, InitialNumberIsCutToTheLimit) {
  World world(settings_with(5, 3));
  world.mail("a", World::at("x", 100));
  EXPECT_EQ(world.start_all(), 3);
}

TEST(Concurrency, GrowsByOneWithEachDeliveryUntilTheLimit) {
  World world(settings_with(2, 6));
  world.mail("a", World::at("x", 200));
  EXPECT_EQ(world.start_all(), 2);
  world.finish_round();
  EXPECT_EQ(world.running.size(), 4U);
  world.finish_round();
  EXPECT_EQ(world.running.size(), 6U);
  world.finish_round();
  EXPECT_EQ(world.running.size(), 6U);
}

TEST(Concurrency, GrowsByOneWithEachRoundWhenFeedbackIsOneByConcurrency) {
  World world(settings_with(2, 20, {1, Feedback::Per::concurrency}));
  world.mail("a", World::at("x", 200));
  world.start_all();
  world.finish_round();
  EXPECT_EQ(world.running.size(), 3U);
  world.finish_round();
  EXPECT_EQ(world.running.size(), 4U);
}

TEST(Concurrency, NoFeedbackStaysAtTheInitialNumber) {
  World world(settings_with(3, 20, {0, Feedback::Per::delivery}));
  world.mail("a", World::at("x", 200));
  world.start_all();
  world.finish_all();
  EXPECT_EQ(world.start_all(), 3);
}

TEST(Concurrency, DoesNotGrowWhileItIsNotUsed) {
  World world(settings_with(2, 20));
  world.mail("a", World::at("x", 200));
  for (int i = 0; i < 10; ++i) world.finish(world.start());
  EXPECT_LE(world.destination("x")->window, 3);
}

TEST(Concurrency, ZeroIsNoLimit) {
  World world(settings_with(50, 0));
  world.mail("a", World::at("x", 400));
  EXPECT_EQ(world.start_all(), 50);
  world.finish_round();
  EXPECT_EQ(world.running.size(), 100U);
}

TEST(Concurrency, FailureLowersItAtOnceEvenWithSmallFeedback) {
  World world(settings_with(10, 20, {}, {1, Feedback::Per::concurrency}));
  world.mail("a", World::at("x", 200));
  world.start_all();
  world.finish(world.running.front(), Result::failed);
  EXPECT_EQ(world.destination("x")->window, 9);
  world.finish(world.running.front(), Result::failed);
  EXPECT_EQ(world.destination("x")->window, 9) << "the first of a row has paid for the others";
}

TEST(Concurrency, NeverFallsBelowOne) {
  TransportSettings settings = settings_with(2, 20);
  settings.failed_cohort_limit = 0;
  World world(settings);
  world.mail("a", World::at("x", 200));
  for (int i = 0; i < 10; ++i) {
    world.start_all();
    world.finish_all(Result::failed);
  }
  EXPECT_EQ(world.destination("x")->window, 1);
  EXPECT_EQ(world.start_all(), 1);
}

TEST(Concurrency, TheTransportsCapacityBoundsAllItsDestinations) {
  TransportSettings settings = settings_with(5, 20);
  settings.capacity = 7;
  World world(settings);
  for (int i = 0; i < 10; ++i) world.mail("m", World::at("x" + std::to_string(i), 10));
  EXPECT_EQ(world.start_all(), 7);
  world.finish(world.running.front());
  EXPECT_EQ(world.start_all(), 1);
}

TEST(Concurrency, EachTransportHasATurn) {
  World world(settings_with(5, 20));
  world.mail("a", World::at("x", 6), "smtp");
  world.mail("b", World::at("x", 6), "local");
  EXPECT_EQ(world.sequence(), "bababa");
}

TEST(Grouping, RecipientsOfOneDestinationGoTogetherUpToTheLimit) {
  World world(settings_with(20, 20));
  world.mail("a", {"1@x", "2@y", "3@x", "4@x", "5@y"});
  std::vector<std::uint32_t> sizes;
  while (Entry* entry = world.start()) sizes.push_back(entry->recipients.size());
  std::sort(sizes.begin(), sizes.end());
  EXPECT_EQ(sizes, (std::vector<std::uint32_t>{1, 2, 2}));
}

TEST(Grouping, NoLimitMakesOneDelivery) {
  TransportSettings settings = settings_with(20, 20);
  settings.destination_recipient_limit = 0;
  World world(settings);
  world.mail("a", World::at("x", 1000));
  EXPECT_EQ(world.start()->recipients.size(), 1000U);
  EXPECT_EQ(world.start(), nullptr);
}

TEST(Grouping, RecipientsComeBackAsTheyWereGiven) {
  World world(settings_with(20, 20));
  world.mail("a", {"1@x", "2@x"});
  std::vector<std::string> got;
  world.start()->recipients.for_each([&](std::string_view recipient) { got.emplace_back(recipient); });
  EXPECT_EQ(got, (std::vector<std::string>{"1@x", "2@x"}));
}

TEST(Grouping, ALaterPortionOfAnOldMessageIsGroupedToo) {
  World world(settings_with(1, 1));
  World::Mail& old = world.mail("old", {"1@x", "1@y"});
  world.start_all();
  for (int i = 0; i < 5; ++i) world.mail("new", {"u@x", "u@y"});
  for (const char* recipient : {"2@x", "2@y", "3@x", "3@y"}) world.assign(old, recipient);
  EXPECT_EQ(old.entries, 4U) << "two are being delivered, two more have two recipients each";
  for (Entry* entry : std::vector(world.running)) world.finish(entry);
  ASSERT_EQ(world.start_all(), 2);
  for (const Entry* entry : world.running) {
    EXPECT_EQ(World::name_of(*entry), "old") << "it has waited longer";
    EXPECT_EQ(entry->recipients.size(), 2U);
  }
}

TEST(Death, ADestinationDiesAfterARoundOfFailures) {
  World world(settings_with(5, 20));
  World::Mail& mail = world.mail("a", World::at("x", 100));
  world.start_all();
  for (int i = 0; i < 4; ++i) world.finish(world.running.front(), Result::failed);
  // The window shrinks with each failure, so a round is over before the fifth.
  const auto condemned = world.condemned();
  ASSERT_EQ(condemned.size(), 45U);
  EXPECT_EQ(condemned[0], (Suspension{"4.4.1", "connect: refused"}));
  EXPECT_EQ(mail.entries, world.running.size());
  EXPECT_EQ(world.start(), nullptr);
}

TEST(Death, NewRecipientsAreToldTheReason) {
  TransportSettings settings = settings_with(1, 20);
  World world(settings);
  world.mail("a", {"u@x"});
  world.start();
  world.finish_all(Result::failed);
  ASSERT_NE(world.scheduler.suspension("smtp", "x"), nullptr);
  EXPECT_EQ(world.scheduler.suspension("smtp", "x")->code, "4.4.1");
  EXPECT_EQ(world.scheduler.suspension("smtp", "y"), nullptr);
}

TEST(Death, EndsAfterItsTimeWithTheInitialConcurrency) {
  World world(settings_with(1, 20));
  world.mail("a", {"u@x"});
  world.start();
  world.finish_all(Result::failed);
  world.advance(299 * kSecond);
  EXPECT_NE(world.scheduler.suspension("smtp", "x"), nullptr);
  world.advance(kSecond);
  EXPECT_EQ(world.scheduler.suspension("smtp", "x"), nullptr);
  EXPECT_EQ(world.scheduler.destinations(), 0U) << "nothing is kept about a destination without mail";
}

TEST(Death, EndsWhenSomebodyAsksForIt) {
  World world(settings_with(1, 20));
  world.mail("a", {"u@x", "u@y"});
  world.start_all();
  world.finish_all(Result::failed);
  world.scheduler.forgive("smtp", "x");
  EXPECT_EQ(world.scheduler.suspension("smtp", "x"), nullptr);
  EXPECT_NE(world.scheduler.suspension("smtp", "y"), nullptr);
  world.scheduler.forget_dead();
  EXPECT_EQ(world.scheduler.suspension("smtp", "y"), nullptr);
}

TEST(Death, EndsWhenADeliveryInProgressGetsThrough) {
  World world(settings_with(2, 20));
  world.mail("a", World::at("x", 4));
  world.start_all();
  Entry* const late = world.running.back();
  world.finish(world.running.front(), Result::failed);
  world.finish(late, Result::reached);
  EXPECT_EQ(world.scheduler.suspension("smtp", "x"), nullptr);
}

TEST(Death, TakesMoreRoundsWhereTheLimitSaysSo) {
  TransportSettings settings = settings_with(1, 20);
  settings.failed_cohort_limit = 3;
  World world(settings);
  world.mail("a", World::at("x", 100));
  for (int i = 0; i < 2; ++i) {
    world.start();
    world.finish_all(Result::failed);
  }
  EXPECT_FALSE(world.destination("x")->dead());
  world.start();
  world.finish_all(Result::reached);
  for (int i = 0; i < 2; ++i) {
    world.start();
    world.finish(world.running.front(), Result::failed);
  }
  EXPECT_FALSE(world.destination("x")->dead()) << "success begins the count anew";
}

TEST(Death, ABrokenDeliverySaysNothingAboutItsDestination) {
  World world(settings_with(1, 20));
  world.mail("a", {"u@x", "v@x", "w@x"});
  world.finish(world.start(), Result::broken);
  EXPECT_EQ(world.destination("x")->window, 1);
  EXPECT_FALSE(world.destination("x")->dead());
}

TEST(Death, OnlySoManyAreRemembered) {
  Settings general;
  general.recipient_limit = 10;
  World world(settings_with(1, 20), general);
  for (int i = 0; i < 30; ++i) {
    world.mail("a", {"u@x" + std::to_string(i)});
    world.start();
    world.finish_all(Result::failed);
    world.advance(1);
  }
  EXPECT_EQ(world.scheduler.dead_destinations(), 10U);
  EXPECT_EQ(world.scheduler.destinations(), 10U);
  EXPECT_EQ(world.scheduler.suspension("smtp", "x0"), nullptr);
  EXPECT_NE(world.scheduler.suspension("smtp", "x29"), nullptr);
}

TEST(DeadTransport, CondemnsAllThatWaitsForIt) {
  World world(settings_with(1, 20));
  World::Mail& mail = world.mail("a", {"u@x", "u@y", "v@y", "w@y"});
  World::Mail& other = world.mail("b", {"u@x"}, "local");
  Entry* entry = world.start();
  while (entry->job->transport->name != "smtp") entry = world.start();
  std::erase(world.running, entry);
  world.scheduler.finish_unreachable(*entry, {"4.3.0", "mail transport unavailable"}, world.now);
  const auto condemned = world.condemned();
  EXPECT_EQ(condemned.size(), 3U);
  EXPECT_TRUE(mail.idle());
  EXPECT_FALSE(other.idle());
  EXPECT_EQ(world.scheduler.suspension("smtp", "z")->reason, "mail transport unavailable");
}

TEST(DeadTransport, IsTriedAgainAfterAMinute) {
  World world(settings_with(1, 20));
  world.mail("a", {"u@x"});
  world.scheduler.finish_unreachable(*world.scheduler.select(world.now), {"4.3.0", "gone"}, world.now);
  world.condemned();
  EXPECT_EQ(world.scheduler.next_event(world.now), world.now + 60 * kSecond);
  world.advance(60 * kSecond);
  EXPECT_EQ(world.scheduler.suspension("smtp", "x"), nullptr);
  world.mail("b", {"u@x"});
  EXPECT_NE(world.start(), nullptr);
}

TEST(DeadTransport, ARecipientThatIsAssignedAllTheSameIsCondemned) {
  World world(settings_with(1, 20));
  world.mail("a", {"u@x"});
  world.scheduler.finish_unreachable(*world.scheduler.select(world.now), {"4.3.0", "gone"}, world.now);
  world.mail("b", {"u@y"});
  EXPECT_EQ(world.condemned().size(), 2U);
}

TEST(RateDelay, ADestinationRestsAfterEachDelivery) {
  TransportSettings settings = settings_with(5, 20);
  settings.destination_rate_delay = 10 * kSecond;
  World world(settings);
  world.mail("a", World::at("x", 4));
  world.mail("b", World::at("y", 2));
  EXPECT_EQ(world.start_all(), 2) << "one at a time, other destinations beside it";
  world.finish_all();
  EXPECT_EQ(world.start(), nullptr);
  EXPECT_EQ(world.scheduler.next_event(world.now), world.now + 10 * kSecond);
  world.advance(9 * kSecond);
  EXPECT_EQ(world.start(), nullptr);
  world.advance(kSecond);
  EXPECT_NE(world.start(), nullptr);
}

TEST(RateDelay, ATransportRestsAfterEachDelivery) {
  TransportSettings settings = settings_with(5, 20);
  settings.transport_rate_delay = 20 * kSecond;
  World world(settings);
  world.mail("a", {"u@x", "u@y", "u@z"});
  EXPECT_EQ(world.start_all(), 1);
  world.finish_all();
  EXPECT_EQ(world.start(), nullptr);
  world.advance(20 * kSecond);
  EXPECT_EQ(world.start_all(), 1);
}

TEST(Clogging, IsToldOncePerWarningTime) {
  Settings general;
  general.active_limit = 100;
  World world(settings_with(1, 2), general);
  for (int i = 0; i < 30; ++i) world.mail("a", {"u@x"});
  const auto clogged = world.scheduler.take_clogged();
  ASSERT_EQ(clogged.size(), 1U);
  EXPECT_EQ(clogged[0].nexthop, "x");
  EXPECT_EQ(clogged[0].entries, 21U);
  world.advance(300 * kSecond);
  world.mail("a", {"u@x"});
  EXPECT_EQ(world.scheduler.take_clogged().size(), 1U);
}

TEST(Scheduler, KnowsNoTransportOfWhichItCouldNotLearnTheSettings) {
  bool has_memory = false;
  Scheduler scheduler(Settings{}, [&](std::string_view) {
    if (!has_memory) throw std::bad_alloc();
    return settings_with(1, 1);
  });
  EXPECT_THROW((void)scheduler.recipients_per_delivery("smtp"), std::bad_alloc);
  EXPECT_EQ(scheduler.find_transport("smtp"), nullptr);
  has_memory = true;
  EXPECT_EQ(scheduler.recipients_per_delivery("smtp"), 2);
}

}  // namespace
}  // namespace qmgr::scheduler
