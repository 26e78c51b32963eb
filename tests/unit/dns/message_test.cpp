#include "dns/message.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "lib/dns_answers.h"

namespace {

namespace wire = dns_answers;
using dns::Mistrust;
using dns::Type;

constexpr std::uint16_t kId = 0x1234;

std::string query(std::string_view name, Type type) {
  return dns::question(name, type, kId, false).value();
}

auto read(const std::string& bytes, std::string_view name, Type type, std::size_t most = 100) {
  return dns::read_reply(bytes, name, type, kId, most);
}

// An answer with these records to a question for records of one name.
auto read_records(Type type, std::vector<std::string> answers, std::size_t most = 100) {
  return read(wire::Message{query("x.test", type), 0, std::move(answers)}.bytes(), "x.test", type, most);
}

TEST(Question, IsTheNameInLabelsBehindTheHeader) {
  EXPECT_EQ(query("a.bc", Type::mx), std::string("\x12\x34\x01\x00\x00\x01\0\0\0\0\0\0\1a\2bc\0\0\x0f\0\1", 22));
}

TEST(Question, ExtendedSaysHowMuchPasses) {
  const auto bytes = dns::question("a.bc", Type::a, kId, true);
  ASSERT_TRUE(bytes);
  EXPECT_EQ(bytes->substr(bytes->size() - 11), std::string("\0\0\x29\x04\xd0\0\0\0\0\0\0", 11));
}

TEST(Question, WithALabelOfSixtyFourBytesIsNone) {
  const std::string label(64, 'a');
  EXPECT_FALSE(dns::question(fmt::format("{}.test", label), Type::a, kId, true));
}

TEST(Reply, HasTheRecordsOfTheName) {
  const auto reply =
      read_records(Type::mx, {wire::mx("x.test", 10, "m.x.test", 77), wire::mx("X.TEST", 20, "n.x.test")});
  ASSERT_TRUE(reply);
  ASSERT_EQ(reply->records.size(), 2U);
  EXPECT_EQ(reply->records[0].data, "m.x.test");
  EXPECT_EQ(reply->records[0].preference, 10);
  EXPECT_EQ(reply->records[0].ttl, 77U);
  EXPECT_EQ(reply->ttl, 77U);
}

TEST(Reply, LeavesOutWhatOtherNamesHave) {
  const auto reply = read_records(Type::a, {wire::a("x.test", "192.0.2.1"), wire::a("bank.test", "192.0.2.2")});
  ASSERT_TRUE(reply);
  ASSERT_EQ(reply->records.size(), 1U);
  EXPECT_EQ(reply->records[0].data, "192.0.2.1");
}

TEST(Reply, FollowsAliasesInAnyOrder) {
  const auto reply = read_records(
      Type::a, {wire::a("z.test", "192.0.2.9"), wire::alias("y.test", "z.test", 5), wire::alias("x.test", "y.test")});
  ASSERT_TRUE(reply);
  ASSERT_EQ(reply->records.size(), 1U);
  EXPECT_EQ(reply->records[0].owner, "z.test");
  EXPECT_EQ(reply->end, "z.test");
  EXPECT_EQ(reply->aliases, 2);
  EXPECT_EQ(reply->ttl, 5U);
}

TEST(Reply, NeedsNoAliasForWhatIsThere) {
  const auto reply = read_records(Type::a, {wire::alias("x.test", "y.test"), wire::a("x.test", "192.0.2.9")});
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->records.size(), 1U);
}

TEST(Reply, WithAliasesInACircleEnds) {
  const auto reply = read_records(Type::a, {wire::alias("x.test", "y.test"), wire::alias("y.test", "x.test")});
  ASSERT_TRUE(reply);
  EXPECT_TRUE(reply->records.empty());
  EXPECT_EQ(reply->aliases, dns::kMostAliasesAtOnce);
}

TEST(Reply, HasNoMoreRecordsThanWanted) {
  std::vector<std::string> many;
  for (int index = 0; index < 200; ++index) many.push_back(wire::a("x.test", fmt::format("192.0.2.{}", index)));
  EXPECT_EQ(read_records(Type::a, many)->records.size(), 100U);
}

TEST(Reply, OfANullMxIsARecordWithADot) {
  const auto reply = read_records(Type::mx, {wire::mx("x.test", 0, ".")});
  ASSERT_TRUE(reply);
  ASSERT_EQ(reply->records.size(), 1U);
  EXPECT_EQ(reply->records[0].data, ".");
}

TEST(Reply, HasTheFirstStringOfAText) {
  const auto reply = read_records(Type::txt, {wire::record("x.test", 16, 1, "\5hello\5world")});
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->records.at(0).data, "hello");
}

TEST(Reply, ReadsPriorityWeightAndPortOfAServer) {
  const auto reply = read_records(
      Type::srv, {wire::record("x.test", 33, 1, wire::u16(1) + wire::u16(2) + wire::u16(2525) + wire::name("h.test"))});
  ASSERT_TRUE(reply);
  const dns::Record& record = reply->records.at(0);
  EXPECT_EQ(record.preference, 1);
  EXPECT_EQ(record.weight, 2);
  EXPECT_EQ(record.port, 2525);
  EXPECT_EQ(record.data, "h.test");
}

TEST(Reply, OfNoSuchNameLastsAsLongAsTheSoaSays) {
  const auto of = [](std::uint32_t ttl, std::uint32_t minimum) {
    return read(wire::Message{query("x.test", Type::a), 3, {}, {wire::soa("test", ttl, minimum)}}.bytes(), "x.test",
                Type::a);
  };
  EXPECT_EQ(of(100, 50)->ttl, 50U);
  EXPECT_EQ(of(20, 50)->ttl, 20U);
  EXPECT_EQ(of(1000000, 1000000)->ttl, 3U * 3600);
  EXPECT_EQ(of(100, 50)->code, 3U);
  EXPECT_EQ(read(wire::Message{query("x.test", Type::a), 3}.bytes(), "x.test", Type::a)->ttl, 0U);
}

TEST(Reply, WithALifeOverAllMeasureIsNotRemembered) {
  EXPECT_EQ(read_records(Type::a, {wire::a("x.test", "192.0.2.1", 0x80000000U)})->ttl, 0U);
  EXPECT_EQ(read_records(Type::a, {wire::a("x.test", "192.0.2.1", 0x7fffffffU)})->ttl, 24U * 3600);
}

TEST(Reply, ToAnotherQuestionIsNotOurs) {
  const std::string good = wire::Message{query("x.test", Type::a), 0, {wire::a("x.test", "192.0.2.1")}}.bytes();
  EXPECT_TRUE(read(good, "x.test", Type::a));
  EXPECT_EQ(read(good, "y.test", Type::a).error(), Mistrust::not_ours);
  EXPECT_EQ(read(good, "x.test", Type::mx).error(), Mistrust::not_ours);
  EXPECT_EQ(dns::read_reply(good, "x.test", Type::a, kId + 1, 100).error(), Mistrust::not_ours);
  EXPECT_EQ(read(query("x.test", Type::a), "x.test", Type::a).error(), Mistrust::not_ours);
  EXPECT_EQ(read("", "x.test", Type::a).error(), Mistrust::not_ours);
}

TEST(Reply, OfEveryDataLengthIsReadOrLeftOut) {
  for (const Type type :
       {Type::a, Type::ns, Type::cname, Type::soa, Type::ptr, Type::mx, Type::txt, Type::aaaa, Type::srv, Type::tlsa}) {
    for (const char filling : {'\0', '\1', '\5', '\xc0', '\xff'}) {
      for (std::size_t length = 0; length <= 40; ++length) {
        const auto reply =
            read_records(type, {wire::record("x.test", static_cast<unsigned>(type), 1, std::string(length, filling))});
        ASSERT_TRUE(reply);
        EXPECT_EQ(static_cast<int>(reply->records.size()) + reply->unusable, 1);
        const bool read = !reply->records.empty();
        const bool all_zero = filling == '\0';
        EXPECT_TRUE(type != Type::a || read == (length == 4)) << length;
        EXPECT_TRUE(type != Type::aaaa || read == (length == 16)) << length;
        EXPECT_TRUE(type != Type::tlsa || read == (length >= 4)) << length;
        EXPECT_TRUE(type != Type::mx || !all_zero || read == (length == 3)) << length;
        EXPECT_TRUE(type != Type::srv || !all_zero || read == (length == 7)) << length;
      }
    }
  }
}

TEST(Reply, CutAnywhereIsMalformedOrNotOurs) {
  const std::string good =
      wire::Message{query("x.test", Type::mx), 0, {wire::mx("x.test", 1, "m.test"), wire::mx("x.test", 2, "n.test")}}
          .bytes();
  for (std::size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(read(good.substr(0, size), "x.test", Type::mx));
}

TEST(Reply, WhoseDataClaimsMoreThanThereIsIsMalformed) {
  std::string bytes = wire::Message{query("x.test", Type::a), 0, {wire::a("x.test", "192.0.2.1")}}.bytes();
  bytes[bytes.size() - 5] = 5;
  EXPECT_EQ(read(bytes, "x.test", Type::a).error(), Mistrust::malformed);
}

TEST(Reply, WithMoreRecordsThanItClaimsReadsTheClaimed) {
  std::string bytes = wire::Message{query("x.test", Type::a), 0, {wire::a("x.test", "192.0.2.1")}}.bytes();
  bytes += wire::a("x.test", "192.0.2.2");
  EXPECT_EQ(read(bytes, "x.test", Type::a)->records.size(), 1U);
}

TEST(Reply, WithAnOwnerThatPointsAtItselfIsMalformed) {
  const std::string start = wire::Message{query("x.test", Type::a), 0, {""}}.bytes();
  const auto at = static_cast<unsigned>(start.size());
  for (const unsigned target : {at, at + 2, at + 100, 0x3fffU}) {
    const std::string bytes =
        start + wire::u16(0xc000 | target) + wire::u16(1) + wire::u16(1) + wire::u32(1) + wire::u16(4) + "abcd";
    EXPECT_EQ(read(bytes, "x.test", Type::a).error(), Mistrust::malformed) << target;
  }
}

TEST(Reply, WithPointersInACircleIsMalformed) {
  const std::string start = wire::Message{query("x.test", Type::a), 0, {""}}.bytes();
  const auto at = static_cast<unsigned>(start.size());
  // "a", then back to "a".
  const std::string bytes =
      start + "\1a" + wire::u16(0xc000 | at) + wire::u16(1) + wire::u16(1) + wire::u32(1) + wire::u16(4) + "abcd";
  EXPECT_EQ(read(bytes, "x.test", Type::a).error(), Mistrust::malformed);
}

TEST(Reply, WithAPointerToTheQuestionHasItsName) {
  const std::string start = wire::Message{query("x.test", Type::a), 0, {""}}.bytes();
  const std::string bytes =
      start + wire::u16(0xc00c) + wire::u16(1) + wire::u16(1) + wire::u32(1) + wire::u16(4) + "abcd";
  EXPECT_EQ(read(bytes, "x.test", Type::a)->records.at(0).data, "97.98.99.100");
}

TEST(Reply, WhoseNameRunsOutOfItsDataIsLeftOut) {
  const auto reply = read_records(
      Type::mx, {wire::record("x.test", 15, 1, wire::u16(1) + "\4mail\4te"), wire::mx("x.test", 5, "m.test")});
  ASSERT_TRUE(reply);
  ASSERT_EQ(reply->records.size(), 1U);
  EXPECT_EQ(reply->records[0].data, "m.test");
}

TEST(Reply, KeepsNoNameThatIsNone) {
  for (const std::string& bad : std::vector<std::string>{"a b.test", "*.test", "x_.te/st", std::string("a\0b.test", 8),
                                                         std::string("-x.test")}) {
    const auto reply = read_records(Type::ptr, {wire::ptr("x.test", bad)});
    ASSERT_TRUE(reply);
    EXPECT_TRUE(reply->records.empty()) << bad;
    EXPECT_EQ(reply->bad_names, 1);
  }
}

TEST(Reply, OfAServerWithAProblemTellsItsCode) {
  EXPECT_EQ(read(wire::Message{query("x.test", Type::a), 2}.bytes(), "x.test", Type::a)->code, 2U);
  // Some refuse without repeating the question.
  EXPECT_EQ(read(std::string("\x12\x34\x81\x01\0\0\0\0\0\0\0\0", 12), "x.test", Type::a)->code, 1U);
  EXPECT_EQ(read(std::string("\x12\x34\x81\x00\0\0\0\0\0\0\0\0", 12), "x.test", Type::a).error(), Mistrust::not_ours);
}

}  // namespace
