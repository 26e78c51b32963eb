#include "table/fold.h"

namespace table {
namespace {

TEST(FoldKey, AsciiLettersBecomeSmall) {
  EXPECT_EQ(fold_key("User+Ext@EXAMPLE.com", true), "user+ext@example.com");
}

TEST(FoldKey, Utf8IsFoldedAsUnicode) {
  EXPECT_EQ(fold_key("STRASSE", true), fold_key("Stra\xc3\x9f"
                                                "e",
                                                true));
  EXPECT_EQ(fold_key("\xc3\x84", true), "\xc3\xa4");
  EXPECT_EQ(fold_key("\xc4\xb0", true), "i\xcc\x87");
}

TEST(FoldKey, WithoutUtf8OnlyAsciiLettersChange) {
  EXPECT_EQ(fold_key("A\xc3\x84", false), "a\xc3\x84");
}

TEST(FoldKey, WhatIsNotUtf8KeepsItsBytes) {
  EXPECT_EQ(fold_key("A\xff\xc3", true), "a\xff\xc3");
}

}  // namespace
}  // namespace table
