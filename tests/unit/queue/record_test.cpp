#include "queue/record.h"

#include "base/fd.h"
#include "lib/message_text.h"

#include <fmt/format.h>

namespace {

using queue::RecordDecoder;
using queue::RecordReader;
using queue::RecordType;
using tests::record;

constexpr auto kShow = RecordReader::Pointers::show;

// Reads records out of a file that has this content.
class RecordFile : public testing::Test {
 protected:
  RecordReader reader(std::string_view content, RecordReader::Pointers pointers = RecordReader::Pointers::follow) {
    fd_ = tests::file_of(content);
    return RecordReader(fd_.get(), "active/file", 0, pointers);
  }
  // "Sa@b Nx E" or "... !what is wrong".
  std::string all(RecordReader reader) {
    std::string text;
    for (int i = 0; i < 100000; ++i) {
      const auto next = reader.next();
      if (!next) return text + "!" + next.error().text;
      if (!*next) return text;
      text += static_cast<char>((*next)->type);
      text += std::string((*next)->data) + " ";
    }
    return "endless";
  }

  base::Fd fd_;
};

std::string pointer(int target) {
  return record('p', fmt::format("{:15}", target));
}

TEST(Record, LengthsAreInBase128LowGroupsFirst) {
  EXPECT_EQ(record('S', "ab"), "S\002ab");
  EXPECT_EQ(record('N', std::string(2048, 'x')).substr(0, 3), "N\x80\x10");
  EXPECT_EQ(record('E'), std::string("E\0", 2));
}

TEST(Record, EncodedSizeIsWhatAppendRecordWrites) {
  for (const std::size_t length : {0u, 1u, 127u, 128u, 16383u, 16384u, 2097151u, 2097152u}) {
    EXPECT_EQ(queue::encoded_size(length), record('N', std::string(length, 'x')).size()) << length;
  }
}

TEST(Record, NamesAreThoseThatPostcatPrints) {
  EXPECT_EQ(queue::name_of(RecordType::done), "done_recipient");
  EXPECT_EQ(queue::name_of(RecordType::filter), "content_filter");
  EXPECT_EQ(queue::name_of(static_cast<RecordType>('?')), "unknown_record_type");
}

TEST(RecordDecoder, TakesRecordsThatArriveByteByByte) {
  const std::string stream = record('S', "a@b") + record('N', std::string(200, 'x')) + record('E');
  RecordDecoder decoder(2048);
  std::string types;
  for (const char c : stream) {
    decoder.feed({&c, 1});
    const auto next = decoder.next();
    ASSERT_TRUE(next);
    if (*next) types += static_cast<char>((*next)->type);
  }
  EXPECT_EQ(types, "SNE");
  EXPECT_TRUE(decoder.empty());
}

TEST(RecordDecoder, TellsWhereEachRecordBegan) {
  RecordDecoder decoder(2048);
  decoder.feed(record('S', "a@b") + record('E'));
  EXPECT_EQ((*decoder.next())->offset, 0);
  EXPECT_EQ((*decoder.next())->offset, 5);
}

TEST(RecordDecoder, RefusesMoreThanTheLimitBeforeItHasArrived) {
  RecordDecoder decoder(2048);
  decoder.feed("N\x81\x10");
  EXPECT_EQ(decoder.next().error().text, "record at offset 0: illegal length 2049, record type 78");
}

TEST(RecordDecoder, RefusesLengthsOfMoreThan31Bits) {
  for (const std::string_view stream :
       {"N\xff\xff\xff\xff\x08", "N\x80\x80\x80\x80\x80\x01", "N\xff\xff\xff\xff\xff"}) {
    RecordDecoder decoder(0x7fffffff);
    decoder.feed(stream);
    EXPECT_FALSE(decoder.next()) << stream;
  }
}

TEST_F(RecordFile, IsReadToItsEnd) {
  EXPECT_EQ(all(reader(record('S', "a@b") + record('N', "x") + record('E'))), "Sa@b Nx E ");
}

TEST_F(RecordFile, RecordsLargerThanAnyBufferAreWhole) {
  const std::string large(300000, 'x');
  EXPECT_EQ(all(reader(record('N', "a") + record('N', large) + record('N', "b"))), "Na N" + large + " Nb ");
}

TEST_F(RecordFile, EveryTruncationIsDamageOrAnEndBetweenRecords) {
  const std::string whole = record('S', "a@b") + record('N', std::string(200, 'x'));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const bool between = length == 0 || length == 5;
    EXPECT_EQ(all(reader(whole.substr(0, length))).contains("!active/file: record at offset"), !between) << length;
  }
}

TEST_F(RecordFile, ALengthThatTheFileDoesNotHaveTakesNoMemory) {
  EXPECT_EQ(all(reader("N\xff\xff\xff\x07"
                       "abc")),
            "!active/file: record at offset 0: unexpected EOF in data, record type 78 length 16777215");
  EXPECT_EQ(all(reader("N\xff\xff\xff\x7f"
                       "abc")),
            "!active/file: record at offset 0: illegal length 268435455, record type 78");
}

TEST_F(RecordFile, PointersAreFollowedAndPaddingIsSkipped) {
  // 0: S, 5: the pointer, 22: skipped by it, 27: padding
  const std::string file =
      record('S', "a@b") + pointer(27) + record('N', "old") + record('w', "fill") + record('N', "new");
  EXPECT_EQ(all(reader(file)), "Sa@b Nnew ");
}

TEST_F(RecordFile, PointersAreShownWhenAskedFor) {
  const std::string file = record('S', "a@b") + pointer(0) + record('w', "  0") + record('N', "x");
  EXPECT_EQ(all(reader(file)), "Sa@b Nx ");
  EXPECT_EQ(all(reader(file, kShow)), "Sa@b p              0 w  0 Nx ");
}

TEST_F(RecordFile, ShortDummyPointersAreNoPointers) {
  EXPECT_EQ(all(reader(record('p', "") + record('p', "0") + record('E'))), "E ");
}

TEST_F(RecordFile, APointerIntoTheWildIsTheEndOfTheFileOrDamage) {
  EXPECT_EQ(all(reader(pointer(100000) + record('E'))), "");
  EXPECT_EQ(all(reader(record('p', "             -5"))),
            "!active/file: record at offset 0: malformed pointer record value:              -5");
  EXPECT_EQ(all(reader(record('p', "             5x"))),
            "!active/file: record at offset 0: malformed pointer record value:              5x");
}

TEST_F(RecordFile, PointersInACircleEnd) {
  EXPECT_TRUE(all(reader(record('N', "x") + pointer(3))).ends_with("too many reverse jump records"));
  const std::string circle = all(reader(record('N') + record('N', "x") + pointer(2)));
  EXPECT_TRUE(circle.ends_with("too many reverse jump records")) << circle.size();
}

TEST_F(RecordFile, JumpedTellsOfPointersJustFollowed) {
  auto file = reader(record('S', "a") + pointer(20) + record('N', "x"));
  ASSERT_TRUE(*file.next());
  EXPECT_FALSE(file.jumped());
  ASSERT_TRUE(*file.next());
  EXPECT_TRUE(file.jumped());
}

TEST_F(RecordFile, SeekGoesAnywhere) {
  const std::string filler = record('N', std::string(10000, 'x'));
  auto file = reader(record('S', "a") + filler + record('N', "end"));
  ASSERT_TRUE(*file.next());
  file.seek(static_cast<std::int64_t>(3 + filler.size()));
  EXPECT_EQ((*file.next())->data, "end");
  file.seek(0);
  EXPECT_EQ((*file.next())->data, "a");
  file.seek(1000000);
  EXPECT_FALSE(*file.next());
}

}  // namespace
