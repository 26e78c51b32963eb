#include "mail/header.h"

#include <gtest/gtest.h>

namespace mail {
namespace {

TEST(KnownHeader, IsFoundInAnyCase) {
  ASSERT_NE(known_header("reply-TO"), nullptr);
  EXPECT_EQ(known_header("reply-TO")->name, "Reply-To");
  EXPECT_EQ(known_header("X-To"), nullptr);
  EXPECT_EQ(known_header(""), nullptr);
}

TEST(KnownHeader, SaysWhoseAddressesItHolds) {
  for (const char* name : {"From", "Sender", "Reply-To", "Errors-To", "Return-Receipt-To", "Resent-From", "Return-Path",
                           "Mail-Followup-To", "Disposition-Notification-To", "Resent-Sender"}) {
    EXPECT_EQ(known_header(name)->rewritten, AddressClass::sender) << name;
  }
  for (const char* name :
       {"To", "Cc", "Bcc", "Apparently-To", "Resent-To", "Resent-Cc", "Resent-Bcc", "Resent-Reply-To"}) {
    EXPECT_EQ(known_header(name)->rewritten, AddressClass::recipient) << name;
  }
  EXPECT_EQ(known_header("Subject")->rewritten, AddressClass::none);
}

TEST(KnownHeader, SaysWhomSendmailMeans) {
  EXPECT_TRUE(known_header("Bcc")->names_recipients);
  EXPECT_TRUE(known_header("Resent-Cc")->names_recipients);
  EXPECT_FALSE(known_header("Apparently-To")->names_recipients);
  EXPECT_FALSE(known_header("Resent-Reply-To")->names_recipients);
  EXPECT_TRUE(known_header("Resent-Date")->is_resent);
}

TEST(HeaderStart, IsANameAndAColon) {
  const auto start = header_start("Subject: x");
  ASSERT_TRUE(start);
  EXPECT_EQ(start->name, "Subject");
  EXPECT_EQ(start->value_start, 8U);
  EXPECT_EQ(header_start("Subject :x")->value_start, 9U);
  EXPECT_EQ(header_start("a:")->value_start, 2U);
}

TEST(HeaderStart, IsNotInOtherLines) {
  for (const char* line : {"", ":", ": x", "a b: c", " a: b", "no colon", "\xc3\xa9: x", "a\x01: x"}) {
    EXPECT_FALSE(header_start(line)) << line;
  }
}

TEST(Unfolded, DropsOnlyLineBreaks) {
  EXPECT_EQ(unfolded("a\n b\r\n\tc"), "a b\tc");
}

}  // namespace
}  // namespace mail
