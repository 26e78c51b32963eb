#include "bounce/plan.h"

#include <gtest/gtest.h>

namespace {

using bounce::Included;
using client::Notice;
using client::NoticeRequest;

queue::StatusEntry entry(const std::string& recipient, int notify = 0) {
  queue::StatusEntry made;
  made.recipient = recipient;
  made.notify = notify;
  made.status = "5.1.1";
  made.action = "failed";
  made.reason = "unknown user";
  return made;
}

NoticeRequest about(Notice notice, const std::string& sender = "ann@example.com") {
  NoticeRequest request;
  request.notice = notice;
  request.queue_name = "active";
  request.queue_id = "ABC";
  request.sender = sender;
  return request;
}

bounce::Settings settings() {
  bounce::Settings made;
  made.double_bounce_address = "double-bounce@mx.example";
  made.bounce_recipient = "bounces";
  made.second_bounce_recipient = "double";
  made.delay_recipient = "delays";
  made.size_limit = 50000;
  return made;
}

TEST(Plan, ReturnsTheMessageToItsSender) {
  const bounce::Plan plan = bounce::plan(about(Notice::failure), {entry("u@x")}, 100, settings());
  ASSERT_EQ(plan.letters.size(), 1u);
  EXPECT_EQ(plan.letters[0].sender, "");
  EXPECT_EQ(plan.letters[0].recipient, "ann@example.com");
  EXPECT_EQ(plan.letters[0].included, Included::message);
  EXPECT_EQ(log_name(plan.letters[0]), "sender non-delivery notification");
}

TEST(Plan, ReturnsTheHeaderOfALargeMessage) {
  const bounce::Plan plan = bounce::plan(about(Notice::failure), {entry("u@x")}, 50001, settings());
  EXPECT_EQ(plan.letters.at(0).included, Included::headers);
}

TEST(Plan, ReturnsTheHeaderToWhoAskedForThat) {
  NoticeRequest request = about(Notice::failure);
  request.return_flags = queue::dsn_return::kHeaders;
  EXPECT_EQ(bounce::plan(request, {entry("u@x")}, 1, settings()).letters.at(0).included, Included::headers);
}

TEST(Plan, ShowsThePostmasterAllOfWhatCannotGoBack) {
  NoticeRequest request = about(Notice::failure, "");
  request.return_flags = queue::dsn_return::kHeaders;
  bounce::Settings both = settings();
  both.copy_second_bounces = true;
  EXPECT_EQ(bounce::plan(request, {entry("u@x")}, 1, both).letters.at(0).included, Included::message);
  EXPECT_EQ(bounce::plan(request, {entry("u@x")}, 50001, both).letters.at(0).included, Included::headers);
}

TEST(Plan, LeavesOutRecipientsWhoseSenderAskedForSilence) {
  const bounce::Plan plan = bounce::plan(
      about(Notice::failure),
      {entry("u@x", queue::notify::kNever), entry("v@x", queue::notify::kFailure), entry("w@x", queue::notify::kDelay)},
      1, settings());
  ASSERT_EQ(plan.letters.size(), 1u);
  ASSERT_EQ(plan.letters[0].entries.size(), 1u);
  EXPECT_EQ(plan.letters[0].entries[0].recipient, "v@x");
}

TEST(Plan, TellsNobodyWhenAllAskedForSilence) {
  EXPECT_TRUE(
      bounce::plan(about(Notice::failure), {entry("u@x", queue::notify::kNever)}, 1, settings()).letters.empty());
}

TEST(Plan, CopiesBouncesToPostmasterWhenAsked) {
  bounce::Settings with_copies = settings();
  with_copies.copy_bounces = true;
  const bounce::Plan plan = bounce::plan(about(Notice::failure), {entry("u@x", queue::notify::kNever)}, 1, with_copies);
  ASSERT_EQ(plan.letters.size(), 1u);
  EXPECT_TRUE(plan.letters[0].for_postmaster);
  EXPECT_EQ(plan.letters[0].recipient, "bounces");
  EXPECT_EQ(plan.letters[0].sender, "double-bounce@mx.example");
  EXPECT_EQ(plan.letters[0].included, Included::headers);
}

TEST(Plan, TellsPostmasterOfABounceThatCannotBeReturned) {
  bounce::Settings with_copies = settings();
  with_copies.copy_second_bounces = true;
  const bounce::Plan plan = bounce::plan(about(Notice::failure, ""), {entry("u@x")}, 1, with_copies);
  ASSERT_EQ(plan.letters.size(), 1u);
  EXPECT_EQ(plan.letters[0].recipient, "double");
  EXPECT_EQ(plan.letters[0].included, Included::message);
  EXPECT_TRUE(bounce::plan(about(Notice::failure, ""), {entry("u@x")}, 1, settings()).letters.empty());
}

TEST(Plan, DropsAPostmasterNoticeThatCannotBeDelivered) {
  bounce::Settings with_copies = settings();
  with_copies.copy_bounces = with_copies.copy_second_bounces = true;
  const bounce::Plan plan =
      bounce::plan(about(Notice::failure, "Double-Bounce@mx.example"), {entry("p@x")}, 1, with_copies);
  EXPECT_TRUE(plan.letters.empty());
  EXPECT_TRUE(plan.dropped);
}

TEST(Plan, SendsDelayWarningsWithTheHeader) {
  bounce::Settings with_copies = settings();
  with_copies.copy_delays = true;
  const bounce::Plan plan = bounce::plan(about(Notice::delay), {entry("u@x")}, 1, with_copies);
  ASSERT_EQ(plan.letters.size(), 2u);
  EXPECT_EQ(plan.letters[0].included, Included::headers);
  EXPECT_EQ(plan.letters[1].recipient, "delays");
  EXPECT_EQ(log_name(plan.letters[1]), "postmaster delay notification");
}

TEST(Plan, TellsSuccessAndAskedForReportsApart) {
  NoticeRequest request = about(Notice::trace);
  EXPECT_EQ(bounce::plan(request, {entry("u@x")}, 1, settings()).letters.at(0).kind, config::BounceKind::success);
  request.flags = queue::trace::kRecord;
  EXPECT_EQ(bounce::plan(request, {entry("u@x")}, 1, settings()).letters.at(0).kind, config::BounceKind::verify);
}

TEST(Plan, AVerpNoticeNamesTheRecipientAsTheSenderKnowsIt) {
  NoticeRequest request = about(Notice::verp);
  request.verp_delimiters = "+=";
  queue::StatusEntry expanded = entry("u@x.example");
  expanded.original_recipient = "list@y.example";
  EXPECT_EQ(bounce::plan(request, {expanded}, 1, settings()).letters.at(0).recipient, "ann+list=y.example@example.com");
}

TEST(Plan, SendsOneVerpNoticeARecipient) {
  NoticeRequest request = about(Notice::verp);
  request.verp_delimiters = "+=";
  const bounce::Plan plan = bounce::plan(request, {entry("u@x.example"), entry("v@x.example")}, 1, settings());
  ASSERT_EQ(plan.letters.size(), 2u);
  EXPECT_EQ(plan.letters[0].recipient, "ann+u=x.example@example.com");
  EXPECT_EQ(plan.letters[1].entries.size(), 1u);
}

TEST(Plan, TellsNobodyOfPostmasterNoticesThatWaitOrArrive) {
  bounce::Settings all = settings();
  all.copy_delays = all.copy_bounces = all.copy_second_bounces = true;
  for (const Notice notice : {Notice::delay, Notice::trace, Notice::failure, Notice::verp}) {
    const bounce::Plan plan = bounce::plan(about(notice, "Double-Bounce@mx.example"), {entry("u@x")}, 100, all);
    EXPECT_TRUE(plan.letters.empty());
    EXPECT_TRUE(plan.dropped);
  }
}

}  // namespace
