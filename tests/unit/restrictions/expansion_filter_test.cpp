#include "restrictions/expansion_filter.h"

#include <gtest/gtest.h>

namespace {

using restrictions::ExpansionFilter;

TEST(ExpansionFilter, PutsAnUnderscoreForWhatIsNotAllowed) {
  EXPECT_EQ(ExpansionFilter("abc").filtered("a-b\r\nc\xff"), "a_b__c_");
  EXPECT_EQ(ExpansionFilter("").filtered("abc"), "___");
}

TEST(ExpansionFilter, UnderstandsEscapes) {
  EXPECT_EQ(ExpansionFilter(R"(\t\40\101\\)").filtered("\t A\\Bt0"), "\t A\\___");
  EXPECT_EQ(ExpansionFilter(R"(\1011)").filtered("A10"), "A1_");
  EXPECT_EQ(ExpansionFilter(R"(\q\777)").filtered("q\xff\\"), "q\xff_");
  EXPECT_EQ(ExpansionFilter(R"(a\)").filtered("a\\b"), "a\\_");
}

TEST(ExpansionFilter, KeepsValuesFromBeingExpandedAgain) {
  EXPECT_EQ(ExpansionFilter("${}a").filtered("${a}$a"), "$${a}$$a");
}

}  // namespace
