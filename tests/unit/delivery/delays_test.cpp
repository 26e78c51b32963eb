#include "delivery/outcome.h"

namespace {

using delivery::format_delays;
using delivery::Times;

constexpr std::int64_t kStart = 1'795'000'000'000'000;

// The first part, as it is printed with so many decimals.
std::string part(std::int64_t microseconds, int decimals = 2) {
  const std::string text =
      format_delays({.arrival = kStart, .active = kStart + microseconds, .delivered = kStart + microseconds}, decimals);
  const auto start = text.find("delays=") + 7;
  return text.substr(start, text.find('/') - start);
}

// What Debian's Postfix printed for these.
TEST(Delays, HaveTwoSignificantDigits) {
  const std::pair<std::int64_t, std::string> cases[] = {
      {4'000, "0"},        {5'000, "0.01"},      {14'900, "0.01"},     {15'000, "0.02"},        {95'100, "0.1"},
      {99'000, "0.1"},     {100'000, "0.1"},     {105'000, "0.11"},    {250'000, "0.25"},       {500'000, "0.5"},
      {995'000, "1"},      {999'000, "1"},       {1'000'000, "1"},     {1'040'000, "1"},        {1'050'000, "1.1"},
      {9'949'000, "9.9"},  {9'950'000, "10"},    {10'400'000, "10"},   {10'500'000, "11"},      {99'400'000, "99"},
      {99'500'000, "100"}, {123'400'000, "123"}, {139'600'000, "140"}, {1'234'500'000, "1235"}, {-1'000'000, "0"}};
  for (const auto& [delay, text] : cases) EXPECT_EQ(part(delay), text) << delay;
}

TEST(Delays, ShowAsManyDecimalsAsTheyMay) {
  EXPECT_EQ(part(1'234'567, 0), "1");
  EXPECT_EQ(part(1'234'567, 6), "1.2");
  EXPECT_EQ(part(123, 6), "0.00012");
  EXPECT_EQ(part(7, 6), "0.000007");
  EXPECT_EQ(part(0, 6), "0");
}

TEST(Delays, AreThoseBetweenThePointsThatWereReached) {
  const Times all{.arrival = kStart,
                  .active = kStart + 1'000'000,
                  .handoff = kStart + 3'000'000,
                  .connected = kStart + 6'000'000,
                  .delivered = kStart + 10'000'000};
  EXPECT_EQ(format_delays(all, 2), "delay=10, delays=1/2/3/4");
  Times local = all;
  local.connected = 0;
  EXPECT_EQ(format_delays(local, 2), "delay=10, delays=1/2/0/7");
  Times never_handed_over = local;
  never_handed_over.handoff = 0;
  EXPECT_EQ(format_delays(never_handed_over, 2), "delay=10, delays=1/9/0/0");
}

}  // namespace
