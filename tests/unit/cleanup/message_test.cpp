#include "cleaning.h"

using namespace cleaning;

class WholeMessage : public Cleaning {};

TEST_F(WholeMessage, BeginsWithItsSizes) {
  const Cleaned result = clean(message());
  const queue::Sizes sizes = result.sizes();
  const std::string bytes = encoded(result.records);
  const std::size_t x = bytes.rfind(std::string("X\0", 2));
  EXPECT_EQ(bytes.substr(static_cast<std::size_t>(sizes.data_offset) - 2, 2), std::string("M\0", 2));
  EXPECT_EQ(sizes.message, static_cast<std::int64_t>(x) - sizes.data_offset);
  EXPECT_EQ(sizes.content, sizes.message);
  EXPECT_EQ(sizes.recipients, 1);
}
TEST_F(WholeMessage, MayComeInAnyNumberOfFrames) {
  configure("");
  const std::string bytes = encoded(message({}, {"N Subject: x"}, {"N a", "N b\r", "N c"}));
  const Records whole = clean_bytes(bytes).records;
  cleanup::MemoryOutput output;
  cleanup::Transaction transaction(*settings_, *tables_, output, kId, {1795258990, 0}, kSmtpd);
  cleanup::Message one(transaction);
  std::string_view rest = bytes;
  while (const auto record = cleanup::take_record(rest)) EXPECT_TRUE(one.take(record->encoded));
  EXPECT_TRUE(one.ended());
  EXPECT_EQ(decoded(output.records()), whole);
}
TEST_F(WholeMessage, WhatFollowsTheEndIsIgnored) {
  EXPECT_EQ(clean_bytes(encoded(message()) + "junk").records, clean(message()).records);
}
TEST_F(WholeMessage, BytesThatAreNoRecordsAreNotUnderstood) {
  for (const std::string& bytes : {std::string("N\xFF\xFF\xFF\xFF\xFF\x01"), std::string("S"), std::string("S\x05x")})
    EXPECT_FALSE(clean_bytes(bytes).understood);
}
TEST_F(WholeMessage, OverTheSizeLimitIsRefused) {
  configure("message_size_limit = 1000");
  const Cleaned result = clean(message({}, {}, Records(30, "N " + std::string(100, 'x'))));
  EXPECT_EQ(result.status, status::kSize);
  EXPECT_TRUE(result.logged(": queue file size limit exceeded"));
  EXPECT_TRUE(result.ended);
}
TEST_F(WholeMessage, OverTheSizeLimitMayYetBeDiscarded) {
  configure("message_size_limit = 1000");
  const Records lines(30, "N " + std::string(100, 'x'));
  EXPECT_TRUE(clean(message({}, {}, lines, {"f 8"})).flags & flag::kDiscard);
  EXPECT_FALSE(clean(message({}, {}, lines, {"f 2"})).flags & flag::kDiscard);
}
TEST_F(WholeMessage, OfExactlyTheSizeLimitIsAccepted) {
  const std::size_t size = encoded(clean(message()).records).size();
  configure("message_size_limit = " + std::to_string(size));
  EXPECT_EQ(clean(message()).status, 0);
  configure("message_size_limit = " + std::to_string(size - 1));
  EXPECT_EQ(clean(message()).status, status::kSize);
}
TEST_F(WholeMessage, TooLargeToBeReturnedWholeIsKeptUpToTheLimitWithItsRecipients) {
  configure("message_size_limit = 2000");
  const Cleaned result =
      clean(message({}, {}, Records(1000, "N " + std::string(100, 'x')), {"R late@x"}), kSmtpd | flag::kBounce);
  EXPECT_EQ(result.status, status::kSize);
  EXPECT_TRUE(result.has("R late@x"));
  EXPECT_EQ(result.records.back(), "E");
  EXPECT_LT(encoded(result.records).size(), 4000U);
  EXPECT_EQ(result.sizes().recipients, 2);
}
TEST_F(WholeMessage, RecipientsWithoutEndAreNotTakenIn) {
  configure("message_size_limit = 2000");
  Records recipients;
  for (int i = 0; i < 1000; ++i) recipients.push_back("R r" + std::to_string(i));
  const Cleaned result = clean(message({}, {}, {"N x"}, recipients), kSmtpd | flag::kBounce);
  EXPECT_TRUE(result.status & status::kWrite);
  EXPECT_LT(encoded(result.records).size(), 8000U);
}
TEST_F(WholeMessage, WhoseEnvelopeIsTooLargeIsNotRefusedForItsText) {
  configure("message_size_limit = 2000\nvirtual_alias_maps = inline:{{many@fmt.test=" + std::string(900, 'a') + "@x," +
            std::string(901, 'a') + "@x}}");
  const Cleaned result = clean(message({"R many@fmt.test"}, {}, {"N x"}), kSmtpd | flag::kBounce);
  EXPECT_EQ(result.status, status::kSize);  // with kBad pickup would remove the mail
}
TEST_F(WholeMessage, AfterARefusalOnlyTheEndIsWaitedFor) {
  Records records{kTime, "S s", "S s"};
  append(records, Records(1000, "R x"));
  append(records, {"E"});
  const Cleaned result = clean(records);
  EXPECT_TRUE(result.ended);
  EXPECT_LT(result.records.size(), 6U);
}
