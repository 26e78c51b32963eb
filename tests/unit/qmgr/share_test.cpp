// A million recipients at 10,000 destinations, one of them dead and one slow: neither may hold more than its share.
#include <malloc.h>

#include <algorithm>

#include "world.h"

namespace qmgr::scheduler {
namespace {

constexpr int kDestinations = 10'000;
constexpr int kRecipientsEach = 100;

struct Flood {
  Flood() : world(settings(), general()) {}

  static TransportSettings settings() {
    TransportSettings settings;
    settings.capacity = 500;
    return settings;
  }
  static Settings general() {
    Settings general;
    general.recipient_limit = 20'000;
    return general;
  }
  // 0 is dead, 1 is slow.
  static std::string domain(int number) { return "destination" + std::to_string(number) + ".example"; }

  // Reads so many more recipients from the file of the mailing: its destinations come by turns.
  void read(World::Mail& mail, std::uint32_t count) {
    for (; count > 0 && read_so_far < kDestinations * kRecipientsEach; --count, ++read_so_far) {
      const std::string to = domain(read_so_far % kDestinations);
      if (world.scheduler.suspension("smtp", to)) {
        ++deferred;
        continue;
      }
      world.assign(mail, std::to_string(read_so_far / kDestinations) + "@" + to);
    }
    world.scheduler.set_unread(mail, static_cast<std::uint32_t>(kDestinations * kRecipientsEach - read_so_far),
                               world.now);
  }

  World world;
  int read_so_far = 0;
  int deferred = 0;
};

std::size_t allocated() {
  return mallinfo2().uordblks;
}

TEST(Share, OneMailingOfAMillionIsBoundedInMemoryAndNobodyHoldsItUp) {
  Flood flood;
  World& world = flood.world;
  World::Mail& mail = world.mails.emplace_back();
  world.scheduler.add(mail, world.now);
  const std::size_t before = allocated();
  flood.read(mail, world.scheduler.first_batch());

  std::size_t most_memory = 0;
  int delivered = 0;
  int most_slow = 0;
  std::vector<Entry*> slow;
  for (int turn = 0; turn < 1'000'000 && !(mail.idle() && mail.unread == 0 && slow.empty()); ++turn) {
    world.advance(kSecond / 100);
    for (const auto& refill : world.scheduler.refills(world.now)) flood.read(mail, refill.recipients);
    world.start_all();
    most_memory = std::max(most_memory, allocated() - before);
    EXPECT_LE(world.scheduler.recipients(), 21'010U);
    // All but the slow one are as fast as the turns; the slow one takes 10 s.
    const auto running = std::exchange(world.running, {});
    for (Entry* entry : running) {
      if (entry->destination->key == Flood::domain(1)) {
        slow.push_back(entry);
        continue;
      }
      const bool dead = entry->destination->key == Flood::domain(0);
      (dead ? flood.deferred : delivered) += static_cast<int>(entry->recipients.size());
      world.scheduler.finish(*entry, dead ? Scheduler::Result::failed : Scheduler::Result::reached, {"4.4.1", "no"},
                             world.now);
    }
    most_slow = std::max(most_slow, static_cast<int>(slow.size()));
    if (turn % 1000 == 999) {
      for (Entry* entry : std::exchange(slow, {})) {
        delivered += static_cast<int>(entry->recipients.size());
        world.scheduler.finish(*entry, Scheduler::Result::reached, {}, world.now);
      }
    }
    while (auto one = world.scheduler.next_condemned()) {
      flood.deferred += static_cast<int>(one->entry->recipients.size());
      world.scheduler.finish_condemned(*one->entry);
    }
  }
  EXPECT_TRUE(mail.idle());
  EXPECT_EQ(mail.unread, 0U);
  EXPECT_EQ(delivered + flood.deferred, kDestinations * kRecipientsEach);
  EXPECT_EQ(flood.deferred, kRecipientsEach);
  EXPECT_LE(most_slow, 20) << "the concurrency limit of one destination";
  EXPECT_LT(most_memory, 16U * 1024 * 1024);
  world.scheduler.remove(mail);
  EXPECT_LE(world.scheduler.destinations(), 1U);
}

TEST(Share, TwentyThousandMessagesOfFiftyGoOutWhileOneDestinationSleeps) {
  Flood flood;
  World& world = flood.world;
  world.scheduler.add(world.mails.emplace_back(), world.now);
  world.scheduler.remove(world.mails.back());
  int delivered = 0;
  std::vector<Entry*> asleep;
  constexpr int kMessages = 20'000;
  for (int i = 0; i < kMessages; ++i) {
    std::vector<std::string> recipients;
    for (int n = 0; n < 50; ++n) recipients.push_back("u@" + Flood::domain((i * 50 + n) % kDestinations));
    world.mail("m", recipients);
    world.start_all();
    for (Entry* entry : std::exchange(world.running, {})) {
      if (entry->destination->key == Flood::domain(1)) {
        asleep.push_back(entry);
      } else {
        ++delivered;
        world.finish(entry);
      }
    }
  }
  EXPECT_LE(asleep.size(), 5U) << "no more than the initial concurrency, for nothing has come back";
  const Destination& slow = *world.destination(Flood::domain(1));
  EXPECT_EQ(slow.todo + asleep.size(), static_cast<std::size_t>(kRecipientsEach));
  for (int i = 0; i < 100'000 && world.start() != nullptr; ++i) {
    delivered += static_cast<int>(world.running.size());
    world.finish_all();
  }
  EXPECT_EQ(delivered + kRecipientsEach, kDestinations * kRecipientsEach);
  for (Entry* entry : asleep) world.finish(entry);
  world.sequence();
  EXPECT_EQ(world.scheduler.destinations(), 0U);
}

TEST(Share, AnActiveMessageCostsLittle) {
  World world(Flood::settings());
  std::vector<std::unique_ptr<World::Mail>> mails;
  const std::size_t before = allocated();
  constexpr int kMessages = 20'000;
  mails.reserve(kMessages);
  for (int i = 0; i < kMessages; ++i) {
    mails.push_back(std::make_unique<World::Mail>());
    world.scheduler.add(*mails.back(), world.now);
    world.assign(*mails.back(), "somebody" + std::to_string(i) + "@silent.example");
    world.scheduler.set_unread(*mails.back(), 0, world.now);
  }
  EXPECT_LT((allocated() - before) / kMessages, 600U);
}

}  // namespace
}  // namespace qmgr::scheduler
