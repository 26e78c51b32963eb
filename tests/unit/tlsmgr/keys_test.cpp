#include "tlsmgr/keys.h"

namespace {

using base::Seconds;
using tlsmgr::Keys;

// Bytes that differ from call to call.
Keys::Random counting() {
  return [next = std::uint8_t{0}](std::span<std::uint8_t> into) mutable {
    ++next;
    for (std::uint8_t& byte : into) byte = next;
  };
}

TEST(Keys, OneKeySealsForALifetime) {
  Keys keys(Seconds(3600), counting());
  const auto name = keys.of("smtp", 1000).front().name;
  EXPECT_EQ(keys.of("smtp", 1000).size(), 1U);
  EXPECT_EQ(keys.of("smtp", 1000).front().expires, 4600);
  EXPECT_EQ(keys.of("smtp", 4599).back().name, name);
  EXPECT_EQ(keys.of("smtp", 4599).size(), 1U);
}

TEST(Keys, ThenANewOneSealsAndTheOldOneOpensForAnother) {
  Keys keys(Seconds(3600), counting());
  const auto old = keys.of("smtp", 1000).front().name;
  ASSERT_EQ(keys.of("smtp", 4600).size(), 2U);
  EXPECT_EQ(keys.of("smtp", 4600).front().name, old);
  EXPECT_NE(keys.of("smtp", 4600).back().name, old);
  EXPECT_EQ(keys.of("smtp", 4600).back().expires, 8200);
  EXPECT_EQ(keys.of("smtp", 8199).size(), 2U);
  EXPECT_EQ(keys.of("smtp", 8200).size(), 2U);  // a third has come, the first has gone
  EXPECT_NE(keys.of("smtp", 8200).front().name, old);
}

TEST(Keys, ServicesHaveTheirOwn) {
  Keys keys(Seconds(3600), counting());
  EXPECT_NE(keys.of("smtp", 1000).front().name, keys.of("submission", 1000).front().name);
}

TEST(Keys, AreMadeOfRandomBytesEach) {
  Keys keys(Seconds(3600), counting());
  const tls::TicketKey& key = keys.of("smtp", 1000).front();
  EXPECT_NE(key.cipher, key.hmac);
  EXPECT_NE(key.name[0], key.cipher[0]);
}

TEST(Keys, ThereAreNoneWithoutALifetime) {
  Keys keys(Seconds(0), counting());
  EXPECT_TRUE(keys.of("smtp", 1000).empty());
  EXPECT_FALSE(keys.drop_old(1000));
}

TEST(Keys, AShortLifetimeIsTwoMinutes) {
  EXPECT_EQ(Keys(Seconds(5), counting()).lifetime(), Seconds(120));
}

TEST(Keys, AreDroppedWhenTheyOpenNothingAnyMore) {
  Keys keys(Seconds(3600), counting());
  keys.of("smtp", 1000);
  EXPECT_TRUE(keys.drop_old(8199));
  EXPECT_FALSE(keys.drop_old(8200));
}

TEST(Keys, AClockThatIsPutBackKeepsNoneAliveForLonger) {
  Keys keys(Seconds(3600), counting());
  const auto name = keys.of("smtp", 1'000'000).front().name;
  EXPECT_NE(keys.of("smtp", 1000).front().name, name);
  EXPECT_EQ(keys.of("smtp", 1000).size(), 1U);
}

TEST(Keys, AreBoundedInNumber) {
  Keys keys(Seconds(3600), counting());
  for (int i = 0; i < 100; ++i) EXPECT_EQ(keys.of("service" + std::to_string(i), 1000).size(), 1U);
  EXPECT_TRUE(keys.of("one more", 1000).empty());
  EXPECT_TRUE(keys.of(std::string(200, 'x'), 1000).empty());
  EXPECT_TRUE(keys.of("", 1000).empty());
  EXPECT_EQ(keys.of("one more", 9000).size(), 1U);  // the others have gone
}

TEST(KernelRandom, FillsAllBytes) {
  std::array<std::uint8_t, 64> a{};
  std::array<std::uint8_t, 64> b{};
  tlsmgr::kernel_random(a);
  tlsmgr::kernel_random(b);
  EXPECT_NE(a, b);
}

}  // namespace
