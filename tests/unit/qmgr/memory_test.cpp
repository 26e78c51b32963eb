#include "world.h"

namespace qmgr::scheduler {
namespace {

Settings general(int limit, int minimum) {
  Settings settings;
  settings.recipient_limit = limit;
  settings.recipient_minimum = minimum;
  return settings;
}

TransportSettings limited(int limit, int refill_limit) {
  TransportSettings settings;
  settings.recipient_limit = limit;
  settings.refill_limit = refill_limit;
  settings.destination_recipient_limit = 1;
  settings.capacity = 10000;
  settings.initial_concurrency = settings.concurrency_limit = 10000;
  settings.slot_cost = 0;
  return settings;
}

// A message of which so many recipients are read, the others not.
World::Mail& partly_read(World& world, int read, std::uint32_t unread, const std::string& domain = "x") {
  World::Mail& mail = world.mails.emplace_back();
  world.scheduler.add(mail, world.now);
  for (const std::string& recipient : World::at(domain, read)) world.assign(mail, recipient);
  world.scheduler.set_unread(mail, unread, world.now);
  return mail;
}

TEST(Memory, TheFirstBatchIsWhatIsLeftOfTheLimit) {
  World world(limited(100, 10), general(50, 10));
  EXPECT_EQ(world.scheduler.first_batch(), 50U);
  world.mail("a", World::at("x", 45));
  EXPECT_EQ(world.scheduler.first_batch(), 10U) << "each message may bring a few";
}

TEST(Memory, RoomIsRefilledWhenItIsWorthIt) {
  World world(limited(50, 20), general(50, 5));
  World::Mail& mail = partly_read(world, 50, 1000);
  EXPECT_TRUE(world.scheduler.refills(world.now).empty());
  world.start_all();
  for (int i = 0; i < 19; ++i) world.finish(world.running.front());
  EXPECT_TRUE(world.scheduler.refills(world.now).empty());
  world.finish(world.running.front());
  const auto refills = world.scheduler.refills(world.now);
  ASSERT_EQ(refills.size(), 1U);
  EXPECT_EQ(refills[0].message, &mail);
  EXPECT_EQ(refills[0].recipients, 20U);
  EXPECT_TRUE(world.scheduler.refills(world.now).empty()) << "asked for once";
  world.scheduler.set_unread(mail, 0, world.now);
}

TEST(Memory, LittleRoomIsRefilledAfterTheDelay) {
  World world(limited(50, 20), general(50, 5));
  World::Mail& mail = partly_read(world, 50, 1000);
  world.start_all();
  world.finish(world.running.front());
  EXPECT_TRUE(world.scheduler.refills(world.now).empty());
  world.advance(4 * kSecond);
  EXPECT_TRUE(world.scheduler.refills(world.now).empty());
  world.advance(kSecond);
  EXPECT_EQ(world.scheduler.refills(world.now).size(), 1U);
  world.scheduler.set_unread(mail, 0, world.now);
}

TEST(Memory, AMessageWithNothingInMemoryReadsAtOnce) {
  World world(limited(50, 20), general(50, 5));
  World::Mail& mail = partly_read(world, 0, 3);
  EXPECT_EQ(world.scheduler.refills(world.now).size(), 1U);
  world.scheduler.set_unread(mail, 0, world.now);
  world.scheduler.remove(mail);
}

TEST(Memory, TheOldestUnreadMessageHasTheRoomOfItsTransport) {
  World world(limited(100, 10), general(100, 5));
  World::Mail& first = partly_read(world, 50, 1000, "x");
  World::Mail& second = partly_read(world, 50, 1000, "y");
  world.start_all();
  world.finish_all();
  const auto refills = world.scheduler.refills(world.now);
  ASSERT_EQ(refills.size(), 2U);
  EXPECT_EQ(refills[0].message, &first);
  EXPECT_EQ(refills[0].recipients, 105U);
  EXPECT_EQ(refills[1].recipients, 5U) << "but each has its few";
  world.scheduler.set_unread(first, 0, world.now);
  world.scheduler.set_unread(second, 0, world.now);
}

TEST(Memory, AStuckTransportDoesNotTakeTheRoomOfOthers) {
  World world(limited(100, 10), general(1000, 5));
  world.by_name["stuck"] = limited(100, 10);
  world.by_name["stuck"].capacity = 1;
  World::Mail& stuck = world.mails.emplace_back();
  world.scheduler.add(stuck, world.now);
  for (const std::string& recipient : World::at("z", 100)) world.assign(stuck, recipient, "stuck");
  world.scheduler.set_unread(stuck, 100000, world.now);
  World::Mail& good = partly_read(world, 50, 1000, "x");
  for (int i = 0; i < 20; ++i) {
    world.start_all();
    const auto running = world.running;
    for (Entry* entry : running) {
      if (entry->job->transport->name == "smtp") world.finish(entry);
    }
    for (const auto& refill : world.scheduler.refills(world.now)) {
      ASSERT_EQ(refill.message, &good);
      for (std::uint32_t n = 0; n < refill.recipients; ++n) world.assign(good, "u@x");
      world.scheduler.set_unread(good, 1000, world.now);
    }
    EXPECT_LE(world.scheduler.find_transport("stuck")->recipients, 100U);
  }
  EXPECT_GE(good.recipients, 50U);
  world.scheduler.set_unread(stuck, 0, world.now);
  world.scheduler.set_unread(good, 0, world.now);
}

TEST(Memory, AnOvertakingMessageIsLentRoom) {
  TransportSettings settings = limited(20, 1);
  settings.slot_cost = 2;
  settings.slot_discount = 100;
  settings.extra_recipient_limit = 40;
  settings.minimum_slots = 0;
  World world(settings, general(20, 1));
  world.mail("L", World::spread(60, "a"));
  World::Mail& small = partly_read(world, 1, 4, "b");
  EXPECT_EQ(world.start()->message, &small);
  ASSERT_FALSE(world.scheduler.refills(world.now).empty());
  EXPECT_GT(small.jobs->extra_room, 0);
  EXPECT_EQ(world.scheduler.find_transport("smtp")->extra_lent, 20);
  world.scheduler.set_unread(small, 0, world.now);
  EXPECT_EQ(world.scheduler.find_transport("smtp")->extra_lent, 0);
}

}  // namespace
}  // namespace qmgr::scheduler
