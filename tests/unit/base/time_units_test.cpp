#include "base/time_units.h"

namespace {

using base::Seconds;
using base::to_seconds;

TEST(TimeUnits, ReadAllUnits) {
  EXPECT_EQ(to_seconds("10s", 'h'), Seconds(10));
  EXPECT_EQ(to_seconds("10m", 's'), Seconds(600));
  EXPECT_EQ(to_seconds("2h", 's'), Seconds(7200));
  EXPECT_EQ(to_seconds("5d", 's'), Seconds(432000));
  EXPECT_EQ(to_seconds("1w", 's'), Seconds(604800));
  EXPECT_EQ(to_seconds("1D", 's'), Seconds(86400));
}

TEST(TimeUnits, TakeTheDefaultUnitForABareNumber) {
  EXPECT_EQ(to_seconds("3", 's'), Seconds(3));
  EXPECT_EQ(to_seconds("3", 'd'), Seconds(259200));
  EXPECT_EQ(to_seconds("0", 'w'), Seconds(0));
}

TEST(TimeUnits, IgnoreWhatFollowsTheUnitAsPostfixDoes) {
  EXPECT_EQ(to_seconds("10seconds", 'h'), Seconds(10));
}

TEST(TimeUnits, RefuseWhatIsNoTime) {
  for (const char* junk : {"", "s", "-1", "+1", " 1", "1 s", "1x", "1.5h", "x1"})
    EXPECT_FALSE(to_seconds(junk, 's')) << junk;
}

TEST(TimeUnits, EndAtThirtyOneBits) {
  EXPECT_EQ(to_seconds("2147483647", 's'), Seconds(2147483647));
  EXPECT_FALSE(to_seconds("2147483648", 's'));
  EXPECT_EQ(to_seconds("3550w", 's'), Seconds(3550L * 604800));
  EXPECT_FALSE(to_seconds("3551w", 's'));
  EXPECT_FALSE(to_seconds("99999999999999999999999", 's'));
}

}  // namespace
