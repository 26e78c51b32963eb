#include "smtpd/content.h"

#include <gtest/gtest.h>

#include "lib/smtpd_world.h"

namespace smtpd {
namespace {

using queue::RecordType;
using Records = std::vector<std::pair<RecordType, std::string>>;

// What DATA makes of the text when it comes in pieces of so many bytes, with room for eight bytes in a record.
Records records_of(std::string_view text, std::size_t piece) {
  smtpd_world::MemorySink sink;
  const auto message = sink.begin(0);
  Content content(*message, {.line_length_limit = 8});
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) content.take_data(text.substr(0, piece));
  return sink.begun.back()->records;
}

TEST(Content, CountsTheDotOfALongLineToItsFirstRecord) {
  const Records full{{RecordType::unterminated, "1234567"}, {RecordType::text, ""}};
  const Records more{{RecordType::unterminated, "1234567"}, {RecordType::text, "89"}};
  for (std::size_t piece = 1; piece < 14; ++piece) {
    EXPECT_EQ(records_of(".123456\r\n", piece), (Records{{RecordType::text, "123456"}})) << piece;
    EXPECT_EQ(records_of(".1234567\r\n", piece), full) << piece;
    EXPECT_EQ(records_of(".123456789\r\n", piece), more) << piece;
  }
}

}  // namespace
}  // namespace smtpd
