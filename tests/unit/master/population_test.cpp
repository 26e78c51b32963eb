#include "master/population.h"

namespace {

using master::Population;
using std::chrono::seconds;

int started(Population population) {
  return master::processes_to_start(population);
}

TEST(Population, TheFirstClientStartsOneProcess) {
  EXPECT_EQ(started({.limit = 100}), 1);
}

TEST(Population, ABusyServiceBeginsWithSeveral) {
  EXPECT_EQ(started({.limit = 100, .at_first_use = 4}), 4);
  EXPECT_EQ(started({.limit = 3, .at_first_use = 4}), 3);
  EXPECT_EQ(started({.limit = 0, .at_first_use = 4}), 4);
}

TEST(Population, LaterOnesComeOneByOne) {
  EXPECT_EQ(started({.limit = 100, .at_first_use = 4, .running = 4}), 1);
}

TEST(Population, WhoHasRoomTakesTheClient) {
  EXPECT_EQ(started({.limit = 100, .running = 2, .available = 1}), 0);
}

TEST(Population, TheLimitHolds) {
  EXPECT_EQ(started({.limit = 2, .running = 2}), 0);
  EXPECT_EQ(started({.limit = 0, .running = 5000}), 1);
}

TEST(Population, AThrottledServiceWaits) {
  EXPECT_EQ(started({.limit = 100, .throttled = true}), 0);
}

TEST(Population, ASolitaryProcessWaitsForItsPredecessor) {
  EXPECT_EQ(started({.limit = 1, .solitary = true, .finishing = 1}), 0);
  EXPECT_EQ(started({.limit = 1, .solitary = false, .finishing = 1}), 1);
}

TEST(Population, AtTheLimitMeansThatNobodyHasRoom) {
  EXPECT_TRUE(master::is_at_limit({.limit = 2, .running = 2}));
  EXPECT_FALSE(master::is_at_limit({.limit = 2, .running = 2, .available = 1}));
  EXPECT_FALSE(master::is_at_limit({.limit = 0, .running = 2}));
}

TEST(Pause, AProcessThatFailsAtOnceAsksForOne) {
  EXPECT_TRUE(master::asks_for_pause({.failed = true, .age = seconds(1)}));
}

TEST(Pause, WhoHasWorkedDoesNot) {
  EXPECT_FALSE(master::asks_for_pause({.failed = true, .completed_a_client = true, .age = seconds(1)}));
  EXPECT_FALSE(master::asks_for_pause({.failed = true, .age = seconds(60)}));
  EXPECT_FALSE(master::asks_for_pause({.failed = false, .age = seconds(0)}));
}

TEST(Pause, AnOldConfigurationSaysNothingAboutTheNewOne) {
  EXPECT_FALSE(master::asks_for_pause({.failed = true, .was_finishing = true, .age = seconds(1)}));
}

}  // namespace
