#include "queue/id.h"

namespace {

using queue::Id;

TEST(Id, ShortOnesAreMicrosecondsAndInodeInHexadecimal) {
  EXPECT_EQ(Id::make_short({0, 653392}, 0xA78B12).text(), "9F850A78B12");
  EXPECT_EQ(Id::make_short({0, 1}, 0x12345).text(), "0000112345");
}

TEST(Id, LongOnesHaveTimeAndInodeWithoutVowels) {
  const Id id = *Id::parse("4jWq6j0v74z1bkPs");
  EXPECT_TRUE(id.is_long());
  ASSERT_TRUE(id.time());
  EXPECT_EQ(id.time()->microseconds, 0x1F1E0);
  ASSERT_TRUE(id.inode());
  EXPECT_EQ(Id::make_long(*id.time(), *id.inode()), id);
}

TEST(Id, LongOnesComeBackForAnyTimeAndInode) {
  for (const std::time_t seconds : {0L, 1L, 1795258988L, 99999999999L}) {
    for (const ino_t inode : {ino_t{0}, ino_t{50}, ino_t{51}, ~ino_t{0}}) {
      const Id id = Id::make_long({seconds, 999999}, inode);
      EXPECT_TRUE(id.is_long()) << id.text();
      EXPECT_EQ(id.inode(), inode) << id.text();
      EXPECT_EQ(id.time()->seconds, seconds) << id.text();
      EXPECT_EQ(id.time()->microseconds, 999999) << id.text();
    }
  }
}

TEST(Id, IsAnyNameOfLettersDigitsAndUnderscores) {
  EXPECT_TRUE(Id::parse("relay_example"));
  EXPECT_TRUE(Id::parse(std::string(255, 'A')));
  for (const std::string_view bad : {"", ".", "..", "a.b", "a/b", "123.45", "a b", "a-b", "\xc3\xa4"}) {
    EXPECT_FALSE(Id::parse(bad)) << bad;
  }
  EXPECT_FALSE(Id::parse(std::string(256, 'A')));
  EXPECT_FALSE(Id::parse(std::string_view("A\0B", 3)));
}

TEST(Id, KnowsNoInodeWhenItsFormHasNone) {
  for (const std::string_view name :
       {"12345", "A", "XYZXYZXYZ", "relay_example", "9F850a78b12", "FFFFF_1", "123451FFFFFFFFFFFFFFFF"}) {
    EXPECT_FALSE(Id::parse(name)->inode()) << name;
  }
}

TEST(Id, StaysShortEnoughWithAnotherInode) {
  std::string name(250, '0');
  name.append("z1");
  const Id id = *Id::parse(name);
  EXPECT_FALSE(id.time());
  EXPECT_FALSE(id.inode());
  EXPECT_EQ(id.with_inode(0xABC).text(), "00000ABC");
}

TEST(Id, KeepsItsTimeWithAnotherInode) {
  EXPECT_EQ(Id::parse("0000012345")->with_inode(0xA8C3C7).text(), "00000A8C3C7");
  const Id id = Id::make_long({1795258988, 5}, 7);
  EXPECT_EQ(id.with_inode(8), Id::make_long({1795258988, 5}, 8));
}

TEST(Id, HashesByItsFirstCharacters) {
  const Id id = *Id::parse("9F850A78B12");
  EXPECT_EQ(id.hash_directory(1), "9/");
  EXPECT_EQ(id.hash_directory(3), "9/F/8/");
  EXPECT_EQ(id.hash_directory(0), "");
  EXPECT_EQ(Id::parse("AB")->hash_directory(4), "A/B/_/_/");
}

TEST(Id, HashesLongOnesByTheirMicroseconds) {
  const Id id = *Id::parse("4jWq6j0v74z1bkPs");
  EXPECT_EQ(id.hash_directory(1), "1/");
  EXPECT_EQ(id.hash_directory(6), "1/F/1/E/0/_/");
}

TEST(Id, HashesWhatOnlyLooksLongSomewhere) {
  EXPECT_EQ(Id::parse("AAAAAAAAAAz1")->hash_directory(2), "0/0/");
  EXPECT_FALSE(Id::parse("AAAAAAAAAAz1")->time());
}

}  // namespace
