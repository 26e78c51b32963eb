#include "delivery/message_text.h"

#include <fmt/format.h>

#include "delivery/agent.h"
#include "lib/delivery_world.h"

namespace {

using delivery::MailboxForm;
using tests::DeliveryWorld;
using tests::record;

// "N:..." and the like, as records.
std::vector<std::string> records(std::initializer_list<std::string_view> texts) {
  std::vector<std::string> all;
  for (const std::string_view text : texts) all.push_back(record(text.front(), text.substr(2)));
  return all;
}

std::string copied(const std::vector<std::string>& content, MailboxForm form, std::string_view front = "") {
  const DeliveryWorld world({"one@b.example"}, content);
  const queue::MessageFile message(DeliveryWorld::open(), DeliveryWorld::path());
  std::string text;
  const auto done = delivery::copy_message(message, world.request.data_offset, front, form,
                                           [&](std::string_view piece) -> disk::Result<void> {
                                             text += piece;
                                             return {};
                                           });
  EXPECT_TRUE(done);
  return text;
}

// Debian's Postfix made the same of the same records.
const std::initializer_list<std::string_view> kTricky = {"N:Received: by x", "N:From x",  "N:",       "N:From a",
                                                         "N:>From b",        "N: From c", "N:from d", "L:From e",
                                                         "N:From f",         "L:part",    "N:"};

TEST(MessageText, FromIsQuotedAtTheStartOfLinesInAnMbox) {
  EXPECT_EQ(copied(records(kTricky), MailboxForm::mbox),
            "Received: by x\n>From x\n\n>From a\n>From b\n From c\nfrom d\n>From eFrom f\npart\n\n");
}

TEST(MessageText, NothingIsQuotedInAMaildir) {
  EXPECT_EQ(copied(records(kTricky), MailboxForm::maildir),
            "Received: by x\nFrom x\n\nFrom a\n>From b\n From c\nfrom d\nFrom eFrom f\npart\n");
}

TEST(MessageText, ALineFeedWithinARecordMakesNoNewMessage) {
  EXPECT_EQ(copied(records({"N:a\nFrom b\n\nFrom c", "L:d\n", "N:From e"}), MailboxForm::mbox),
            "a\n>From b\n\n>From c\nd\n>From e\n\n");
}

TEST(MessageText, FromIsQuotedAlsoWhenRecordsCutIt) {
  EXPECT_EQ(
      copied(records({"L:F", "L:ro", "L:", "L:m", "N: x", "L:From", "N:y", "L:From", "N:", "N: z"}), MailboxForm::mbox),
      ">From x\nFromy\nFrom\n z\n\n");
}

TEST(MessageText, PaddingIsNoText) {
  EXPECT_EQ(copied(records({"N:a: b", "w:  0", "N:", "N:c"}), MailboxForm::maildir), "a: b\n\nc\n");
}

TEST(MessageText, ALastLineWithoutItsEndGetsOne) {
  EXPECT_EQ(copied(records({"N:a: b", "L:end"}), MailboxForm::maildir), "a: b\nend\n");
}

TEST(MessageText, LargeMessagesComeInPiecesAndWhole) {
  std::vector<std::string> content;
  std::string expected;
  for (int i = 0; i < 5000; ++i) {
    const std::string line = fmt::format("line {} {}", i, std::string(50, 'x'));
    content.push_back(record('N', line));
    expected += line + "\n";
  }
  EXPECT_EQ(copied(content, MailboxForm::maildir, "front\n"), "front\n" + expected);
}

TEST(MessageText, AMessageWithoutItsEndIsCorrupt) {
  const DeliveryWorld world;
  const std::string whole = tests::SpoolFolder::content(DeliveryWorld::path());
  const auto data = static_cast<std::size_t>(world.request.data_offset);
  for (std::size_t length = data; length < data + static_cast<std::size_t>(world.request.size); ++length) {
    DeliveryWorld::put(whole.substr(0, length));
    const queue::MessageFile message(DeliveryWorld::open(), DeliveryWorld::path());
    const auto sink = [](std::string_view) -> disk::Result<void> { return {}; };
    EXPECT_THROW((void)delivery::copy_message(message, world.request.data_offset, "", MailboxForm::mbox, sink),
                 delivery::Corrupt)
        << length;
  }
}

TEST(MessageText, ARecordOfAnotherSegmentIsCorrupt) {
  const DeliveryWorld world;
  std::string text = tests::SpoolFolder::content(DeliveryWorld::path());
  text[static_cast<std::size_t>(world.request.data_offset)] = 'R';
  DeliveryWorld::put(text);
  const queue::MessageFile message(DeliveryWorld::open(), DeliveryWorld::path());
  const auto sink = [](std::string_view) -> disk::Result<void> { return {}; };
  EXPECT_THROW((void)delivery::copy_message(message, world.request.data_offset, "", MailboxForm::mbox, sink),
               delivery::Corrupt);
}

TEST(MessageText, FrontLinesAreThoseOfTheForm) {
  delivery::Front front{
      .sender = "a b@x.example", .original = "c d@x.example", .delivered_to = "u@x.example", .time = 0};
  EXPECT_EQ(delivery::front_lines(front, MailboxForm::maildir),
            "Return-Path: <\"a b\"@x.example>\nX-Original-To: \"c d\"@x.example\nDelivered-To: u@x.example\n");
  EXPECT_TRUE(delivery::front_lines(front, MailboxForm::mbox).starts_with("From \"a b\"@x.example  Thu Jan  1 "));
  front = {.sender = "", .original = "", .delivered_to = "", .time = 0};
  EXPECT_TRUE(delivery::front_lines(front, MailboxForm::mbox).starts_with("From MAILER-DAEMON  "));
  EXPECT_TRUE(delivery::front_lines(front, MailboxForm::mbox).ends_with("1970\nReturn-Path: <>\n"));
}

TEST(MessageText, AnAddressBringsNoLinesOfItsOwn) {
  EXPECT_EQ(delivery::front_lines({.sender = "a\nFrom b@x", .original = "c\r\nd@x", .delivered_to = "", .time = 0},
                                  MailboxForm::maildir),
            "Return-Path: <\"a?From b\"@x>\nX-Original-To: \"c\\??d\"@x\n");
}

TEST(MessageText, HeaderLinesEndAtTheEmptyLine) {
  const DeliveryWorld world({"one@b.example"},
                            records({"N:A: 1", "L:B: ", "N:Delivered-To: no", "N:C: 3", "N:", "N:D: body"}));
  const queue::MessageFile message(DeliveryWorld::open(), DeliveryWorld::path());
  std::vector<std::string> lines;
  delivery::for_each_header_line(message, world.request.data_offset, [&](std::string_view line) {
    lines.emplace_back(line);
    return true;
  });
  EXPECT_EQ(lines, (std::vector<std::string>{"A: 1", "B: ", "C: 3"}));
}

}  // namespace
