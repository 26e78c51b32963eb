#include "local/recipient.h"

#include "local/hand_over.h"

namespace {

using local::parse_recipient;
using local::parse_transport;

TEST(LocalRecipient, IsFoldedAndSplit) {
  const auto recipient = parse_recipient("Jane+Lists@Example.test", "+-");
  EXPECT_EQ(recipient.address, "Jane+Lists@Example.test");
  EXPECT_EQ(recipient.domain, "example.test");
  EXPECT_EQ(recipient.local, "jane+lists");
  EXPECT_EQ(recipient.user, "jane");
  EXPECT_EQ(recipient.extension, "lists");
  EXPECT_EQ(recipient.delimiter, "+");
  EXPECT_FALSE(recipient.to_mailbox);
}

TEST(LocalRecipient, IsSplitAtTheFirstDelimiterOnly) {
  EXPECT_EQ(parse_recipient("jane+a+b@x", "+").extension, "a+b");
  EXPECT_EQ(parse_recipient("jane-a+b@x", "+-").extension, "a+b");
  EXPECT_EQ(parse_recipient("jane+a@x", "").user, "jane+a");
  EXPECT_EQ(parse_recipient("+a@x", "+").user, "+a");
}

TEST(LocalRecipient, SomeNamesAreNeverSplit) {
  EXPECT_EQ(parse_recipient("owner-list@x", "-").user, "owner-list");
  EXPECT_EQ(parse_recipient("list-request@x", "-").user, "list-request");
  EXPECT_EQ(parse_recipient("mailer-daemon@x", "-").user, "mailer-daemon");
  EXPECT_EQ(parse_recipient("double-bounce@x", "-").user, "double-bounce");
}

TEST(LocalRecipient, AnExtensionNeverBecomesAPath) {
  const auto recipient = parse_recipient("jane+../../etc@x", "+");
  EXPECT_TRUE(recipient.bad_extension);
  EXPECT_EQ(recipient.user, "jane");
  EXPECT_EQ(recipient.extension, "");
}

TEST(LocalRecipient, ABackslashLeadsToTheMailbox) {
  const auto recipient = parse_recipient("\\jane@x", "+");
  EXPECT_TRUE(recipient.to_mailbox);
  EXPECT_EQ(recipient.user, "jane");
  EXPECT_EQ(recipient.address, "jane@x");
}

TEST(LocalRecipient, MayLackDomainOrName) {
  EXPECT_EQ(parse_recipient("jane", "+").user, "jane");
  EXPECT_EQ(parse_recipient("jane", "+").domain, "");
  EXPECT_EQ(parse_recipient("@x", "+").user, "");
  EXPECT_EQ(parse_recipient("", "+").user, "");
  EXPECT_EQ(parse_recipient("\\", "+").user, "");
}

TEST(LocalTransport, IsANameAndPerhapsANextHop) {
  EXPECT_EQ(parse_transport("lmtp:unix:private/x")->name, "lmtp");
  EXPECT_EQ(parse_transport("lmtp:unix:private/x")->nexthop, "unix:private/x");
  EXPECT_EQ(parse_transport(" discard ")->name, "discard");
  EXPECT_EQ(parse_transport("discard:")->nexthop, "");
}

TEST(LocalTransport, IsNoPath) {
  for (const char* text : {"", ":x", "../x:y", "a/b", ".hidden"}) EXPECT_FALSE(parse_transport(text)) << text;
}

}  // namespace
