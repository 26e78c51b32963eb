#include "ipc/attributes.h"

#include <gtest/gtest.h>

#include "io/socket.h"

namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

class Attributes : public ::testing::Test {
 protected:
  ipc::Attributes read(const std::string& bytes, std::size_t most = 1000) {
    io::Pair pair = io::socket_pair();
    io::Stream to(std::move(pair.first));
    io::Stream from(std::move(pair.second), 16);
    from.set_deadline(io::Deadline::after(20s));
    to.write(bytes);
    to.flush();
    to = io::Stream(base::Fd());
    return ipc::read_attributes(from, most);
  }
};

TEST_F(Attributes, AreNamesAndValuesWithNulBytesBehindThem) {
  EXPECT_EQ(ipc::encode_attributes({{"status", "0"}, {"reason", ""}}), "status\0000\0reason\0\0\0"s);
}

TEST_F(Attributes, ComeBackAsTheyWere) {
  const ipc::Attributes list = {{"a", "b"}, {"empty", ""}, {"long", std::string(500, 'x')}, {"a", "again"}};
  EXPECT_EQ(read(ipc::encode_attributes(list)), list);
}

TEST_F(Attributes, AnEmptyListIsOneNulByte) {
  EXPECT_TRUE(read("\0"s).empty());
}

TEST_F(Attributes, NumbersTravelUnsigned) {
  std::string bytes;
  ipc::append_attribute(bytes, "n", 12L);
  ipc::append_attribute(bytes, "m", -1L);
  EXPECT_EQ(bytes, "n\00012\0m\00018446744073709551615\0"s);
}

TEST_F(Attributes, AValueEndsAtItsFirstNulByte) {
  EXPECT_EQ(ipc::encode_attributes({{"a", "b\0c\0d"s}}), "a\0b\0\0"s);
}

TEST_F(Attributes, WhatIsCutIsAnError) {
  const std::string bytes = ipc::encode_attributes({{"status", "0"}});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(read(bytes.substr(0, size)), io::StreamError) << size;
  }
}

TEST_F(Attributes, MemoryIsBounded) {
  EXPECT_THROW(read(std::string(2000, 'x')), io::StreamError);
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "a\0b\0"s;
  EXPECT_THROW(read(many), io::StreamError);
}

TEST_F(Attributes, AreFoundByName) {
  const ipc::Attributes list = {{"a", "1"}, {"b", "2"}, {"a", "3"}};
  EXPECT_EQ(ipc::value_of(list, "a"), "1");
  EXPECT_EQ(ipc::value_of(list, "c"), "");
}

}  // namespace
