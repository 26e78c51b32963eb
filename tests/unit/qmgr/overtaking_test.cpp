#include "world.h"

namespace qmgr::scheduler {
namespace {

// One delivery at a time, each of one recipient: the order of deliveries can be read as a text.
TransportSettings one_by_one(int cost, int discount, int loan) {
  TransportSettings settings;
  settings.capacity = 1;
  settings.slot_cost = cost;
  settings.slot_discount = discount;
  settings.slot_loan = loan;
  settings.minimum_slots = 0;
  return settings;
}

TEST(Overtaking, WithoutItMailGoesInTheOrderOfItsComing) {
  World world(one_by_one(0, 50, 3));
  world.mail("1", World::spread(4, "a"));
  world.mail("2", World::spread(2, "b"));
  EXPECT_EQ(world.sequence(), "111122");
}

TEST(Overtaking, SlotsAreEarnedFirst) {
  World world(one_by_one(2, 0, 0));
  world.mail("1", World::spread(10, "a"));
  world.mail("2", World::spread(2, "b"));
  world.mail("3", World::spread(2, "c"));
  EXPECT_EQ(world.sequence(), "11112211113311");
}

TEST(Overtaking, ADiscountIsPaidBackBeforeTheNext) {
  World world(one_by_one(2, 50, 0));
  world.mail("1", World::spread(10, "a"));
  world.mail("2", World::spread(2, "b"));
  world.mail("3", World::spread(2, "c"));
  EXPECT_EQ(world.sequence(), "11221111331111");
}

TEST(Overtaking, ALoanLetsSmallMailGoAtOnce) {
  World world(one_by_one(5, 0, 1));
  world.mail("1", World::spread(20, "a"));
  world.mail("2", World::spread(1, "b"));
  EXPECT_EQ(world.sequence().substr(0, 2), "21");
}

TEST(Overtaking, AMailingIsSlowedDownByAQuarterAtMost) {
  World world(one_by_one(5, 50, 3));
  world.mail("L", World::spread(100, "a"));
  for (int i = 0; i < 100; ++i) world.mail("s", {"u@b" + std::to_string(i)});
  const std::string sequence = world.sequence();
  const auto last = sequence.rfind('L') + 1;
  EXPECT_LE(last, 100U * 5 / 4 + 4);
  EXPECT_GE(last, 100U + 15) << "small mail must get its share";
}

TEST(Overtaking, ShortMailingsAreNotOvertaken) {
  TransportSettings settings = one_by_one(2, 100, 3);
  settings.minimum_slots = 3;
  World world(settings);
  world.mail("1", World::spread(5, "a"));
  world.mail("2", {"u@b"});
  EXPECT_EQ(world.sequence(), "111112");
}

TEST(Overtaking, MailThatNeedsMoreThanCanBeEarnedWaits) {
  World world(one_by_one(2, 100, 3));
  world.mail("1", World::spread(8, "a"));
  world.mail("2", World::spread(5, "b"));
  EXPECT_EQ(world.sequence(), "1111111122222");
}

TEST(Overtaking, WorksRecursively) {
  World world(one_by_one(2, 0, 0));
  world.mail("1", World::spread(40, "a"));
  world.mail("2", World::spread(10, "b"));
  for (int i = 0; i < 20; ++i) world.finish(world.start());
  world.mail("3", {"u@c"});
  // Enough is earned for 2, which is older for its size than 3; then 3 overtakes 2.
  world.advance(kSecond);
  const std::string sequence = world.sequence();
  EXPECT_LT(sequence.find('3'), sequence.rfind('2'));
  EXPECT_LT(sequence.rfind('2'), sequence.rfind('1'));
}

TEST(Overtaking, AJobWhoseDestinationsAreFullIsPassedBy) {
  TransportSettings settings = one_by_one(0, 0, 0);
  settings.capacity = 10;
  settings.initial_concurrency = settings.concurrency_limit = 1;
  settings.destination_recipient_limit = 1;
  World world(settings);
  world.mail("1", {"u@x", "v@x"});
  world.mail("2", {"u@y"});
  EXPECT_EQ(World::name_of(*world.start()), "1");
  EXPECT_EQ(World::name_of(*world.start()), "2");
  EXPECT_EQ(world.start(), nullptr);
  world.finish(world.running.front());
  EXPECT_EQ(World::name_of(*world.start()), "1");
}

TEST(Overtaking, ADestinationIsServedInTheOrderOfMessages) {
  TransportSettings settings = one_by_one(0, 0, 0);
  settings.capacity = 10;
  settings.initial_concurrency = settings.concurrency_limit = 1;
  World world(settings);
  for (const char* name : {"1", "2", "3", "4"}) world.mail(name, {"u@x"});
  EXPECT_EQ(world.sequence(), "1234");
}

TEST(Overtaking, WithinAMessageDestinationsTakeTurns) {
  TransportSettings settings = one_by_one(0, 0, 0);
  settings.destination_recipient_limit = 1;
  World world(settings);
  world.mail("1", {"a@x", "b@x", "c@x", "a@y"});
  std::string domains;
  while (Entry* entry = world.start()) {
    domains += entry->destination->key;
    world.finish(entry);
  }
  EXPECT_EQ(domains, "xyxx");
}

TEST(Overtaking, ManyMessagesKeepTheirOrderWhereverTheyOvertake) {
  TransportSettings settings = one_by_one(2, 100, 100);
  World world(settings);
  world.mail("L", World::spread(2000, "a"));
  std::size_t small = 0;
  for (int i = 0; i < 500; ++i) {
    world.mail("s", {"u@b" + std::to_string(i)});
    if (Entry* entry = world.start()) {
      if (World::name_of(*entry) == "s") ++small;
      world.finish(entry);
    }
  }
  EXPECT_GT(small, 100U);
  EXPECT_EQ(world.sequence().size(), 2000U);
}

}  // namespace
}  // namespace qmgr::scheduler
