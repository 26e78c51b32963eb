#include "postfix/service_check.h"

namespace {

TEST(ServiceOf, IsWhatStandsBeforeTheNexthop) {
  EXPECT_EQ(postfix::service_of("smtp:[relay.example.com]:587"), "smtp");
  EXPECT_EQ(postfix::service_of("local"), "local");
  EXPECT_EQ(postfix::service_of(":[relay.example.com]"), "");
}

TEST(NextHop, NamesAHostAndPerhapsAPort) {
  for (const char* good : {"mx.example", "[mx.example]", "[2001:db8::1]:25", "[mx.example]:smtp", "mx.example:587"}) {
    EXPECT_FALSE(postfix::problem_of_next_hop(good)) << good;
  }
}

TEST(NextHop, NamesNoTransport) {
  EXPECT_TRUE(postfix::problem_of_next_hop("smtp:[mx.example]").value_or("").contains("specify [mx.example] here"));
}

TEST(NextHop, HasAPortThatExists) {
  EXPECT_EQ(postfix::problem_of_next_hop("[mx.example]:smpt"), "[mx.example]:smpt: unknown port \"smpt\"");
  EXPECT_EQ(postfix::problem_of_next_hop("[mx.example"), "[mx.example has only one of its brackets");
}

}  // namespace
