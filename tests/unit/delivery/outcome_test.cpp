#include "delivery/outcome.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "delivery/status_filter.h"
#include "lib/delivery_world.h"
#include "lib/disks.h"
#include "logging/log.h"
#include "table/match_list.h"

namespace {

using delivery::Bounced;
using delivery::Deferred;
using delivery::OutcomeSettings;
using delivery::Recorder;
using delivery::Sent;
using tests::DeliveryWorld;
using tests::FailingDisk;
using tests::SpoolFolder;
using tests::Then;

class Outcomes : public testing::Test {
 protected:
  Outcomes() { settings_.compatible_logs = false; }

  bool record(const delivery::Outcome& outcome, const std::string& relay = "local") {
    recorder_.emplace(spool_, settings_, world_.request, fd_.get());
    const bool known = recorder_->record(world_.request.recipients, outcome, {.relay = relay}, world_.request.times);
    recorder_->finish();
    return known;
  }
  std::string logged() const {
    std::string text;
    for (const auto& event : log_.events()) text += event.text + "\n";
    return text;
  }

  DeliveryWorld world_;
  FailingDisk disk_;
  queue::Spool spool_{DeliveryWorld::flat(), disk_};
  OutcomeSettings settings_;
  base::Fd fd_ = DeliveryWorld::open();
  std::optional<Recorder> recorder_;
  logging::Capture log_;
};

const Sent kSent{.status = {.code = "2.0.0", .reason = "delivered to maildir"}};
const Bounced kBounced{.status = {.code = "5.1.1", .reason = "unknown user: \"u\""}};
const Deferred kDeferred{.status = {.code = "4.2.0", .reason = "try later"}};

TEST_F(Outcomes, SentIsALineAndAMark) {
  world_.request.times.delivered = world_.request.times.arrival + 120'000;
  EXPECT_TRUE(record(kSent));
  EXPECT_EQ(logged(),
            "4jWq1z2abc: to=<one@b.example>, relay=local, delay=0.12, delays=0.01/0.11/0/0, dsn=2.0.0, status=sent "
            "(delivered to maildir)\n");
  EXPECT_EQ(world_.mark(), 'D');
  EXPECT_FALSE(recorder_->some_deferred());
  EXPECT_EQ(recorder_->recorded(), 1u);
  EXPECT_EQ(SpoolFolder::files().size(), 1u);
}

TEST_F(Outcomes, OriginalRecipientConnectionUseAndTlsAreInTheLineWhenThereAreAny) {
  world_.request.recipients[0].original = "List@B.example";
  Recorder recorder(spool_, settings_, world_.request, fd_.get());
  recorder.record(world_.request.recipients[0], kSent, {.relay = "mx[1.2.3.4]:25", .connection_uses = 2, .tls = "may"},
                  {.arrival = 1'000'000, .delivered = 1'000'000});
  EXPECT_TRUE(
      log_.contains("4jWq1z2abc: to=<one@b.example>, orig_to=<List@B.example>, relay=mx[1.2.3.4]:25, conn_use=2, "
                    "delay=0, delays=0/0/0/0, tls=may, dsn=2.0.0, status=sent (delivered to maildir)"))
      << logged();
}

TEST_F(Outcomes, AnOriginalThatDiffersInCaseOnlyIsNoOther) {
  world_.request.recipients[0].original = "ONE@b.example";
  record(kSent);
  EXPECT_FALSE(log_.contains("orig_to"));
}

TEST_F(Outcomes, AddressesAreLoggedInExternalFormUnlessAskedFor) {
  world_.request.recipients[0].address = "a b@x.example";
  record(kSent);
  EXPECT_TRUE(log_.contains("to=<\"a b\"@x.example>"));
  settings_.external_addresses = false;
  record(kSent);
  EXPECT_TRUE(log_.contains("to=<a b@x.example>"));
}

TEST_F(Outcomes, BouncedIsInTheBounceLogBeforeItIsMarked) {
  EXPECT_TRUE(record(kBounced));
  EXPECT_TRUE(DeliveryWorld::log("bounce").contains("status=5.1.1\naction=failed\nreason=unknown user: \"u\"\n"));
  EXPECT_EQ(world_.mark(), 'D');
  // Durable before it counts.
  const auto& steps = disk_.taken();
  EXPECT_EQ(steps.back(), "queue.mark.done");
  EXPECT_TRUE(std::ranges::any_of(steps, [](const std::string& step) { return step.contains("sync"); }))
      << fmt::format("{}", fmt::join(steps, " "));
}

TEST_F(Outcomes, BouncedWithoutItsLogIsDeferred) {
  record(kBounced);
  const int steps = static_cast<int>(disk_.taken().size());
  ASSERT_GE(steps, 3);
  for (int step = 1; step < steps; ++step) {  // the last one is the mark
    DeliveryWorld world;
    const base::Fd fd = DeliveryWorld::open();
    disk_.fail_at(step, ENOSPC, Then::dead);
    Recorder recorder(spool_, settings_, world.request, fd.get());
    EXPECT_FALSE(recorder.record(world.request.recipients, kBounced, {.relay = "local"}, world.request.times)) << step;
    EXPECT_TRUE(recorder.some_deferred()) << step;
    EXPECT_EQ(world.mark(), 'R') << step;
  }
  EXPECT_TRUE(log_.contains("dsn=4.3.0, status=deferred (bounce log cannot be written)"));
}

TEST_F(Outcomes, DeferredStaysUnmarked) {
  EXPECT_TRUE(record(kDeferred));
  EXPECT_TRUE(DeliveryWorld::log("defer").contains("status=4.2.0\naction=delayed\nreason=try later\n"));
  EXPECT_EQ(world_.mark(), 'R');
  EXPECT_TRUE(recorder_->some_deferred());
  EXPECT_TRUE(log_.contains("dsn=4.2.0, status=deferred (try later)"));
}

TEST_F(Outcomes, AMarkThatCannotBeWrittenDefers) {
  disk_.fail_at("queue.mark.done", EIO);
  EXPECT_FALSE(record(kSent));
  EXPECT_TRUE(recorder_->some_deferred());
  EXPECT_TRUE(log_.contains("cannot mark"));
}

TEST_F(Outcomes, SoftBounceLetsMailWait) {
  settings_.soft_bounce = true;
  EXPECT_TRUE(record(kBounced));
  EXPECT_EQ(DeliveryWorld::log("bounce"), "");
  EXPECT_TRUE(DeliveryWorld::log("defer").contains("status=4.1.1\naction=delayed\n"));
  EXPECT_TRUE(log_.contains("dsn=4.1.1, status=SOFTBOUNCE (unknown user: \"u\")"));
  EXPECT_EQ(world_.mark(), 'R');
}

TEST_F(Outcomes, SuccessIsReportedToWhoAskedForIt) {
  world_.request.recipients[0].notify = queue::notify::kSuccess;
  EXPECT_TRUE(record(Sent{.status = kSent.status, .action = "relayed"}));
  EXPECT_TRUE(DeliveryWorld::log("trace").contains(
      "notify_flags=2\nstatus=2.0.0\naction=relayed\nreason=delivery via local: delivered to maildir\n"));
}

TEST_F(Outcomes, AReportThatCannotBeWrittenDefers) {
  world_.request.recipients[0].notify = queue::notify::kSuccess;
  disk_.fail_at(1, ENOSPC);
  EXPECT_FALSE(record(kSent));
  EXPECT_EQ(world_.mark(), 'R');
  EXPECT_TRUE(recorder_->some_deferred());
}

TEST_F(Outcomes, TheHappyEndAfterADelayWarningIsReported) {
  world_.request.trace_flags = queue::trace::kReportDelayed;
  record(kSent, "none");
  EXPECT_TRUE(DeliveryWorld::log("trace").contains("action=delivered\nreason=delivered to maildir\n"));
  DeliveryWorld other;
  other.request.trace_flags = queue::trace::kReportDelayed;
  other.request.recipients[0].notify = queue::notify::kFailure;
  Recorder recorder(spool_, settings_, other.request, -1);
  recorder.record(other.request.recipients[0], kSent, {}, other.request.times);
  EXPECT_EQ(DeliveryWorld::log("trace"), "");
}

TEST_F(Outcomes, AskedOnlyNothingBouncesAndNothingWaits) {
  world_.request.trace_flags = queue::trace::kUserVerify;
  const std::pair<delivery::Outcome, std::string> cases[] = {
      {kSent, "deliverable"}, {kBounced, "undeliverable"}, {kDeferred, "undeliverable"}};
  for (const auto& [outcome, word] : cases) {
    DeliveryWorld world;
    world.request.trace_flags = queue::trace::kUserVerify;
    const base::Fd fd = DeliveryWorld::open();
    Recorder recorder(spool_, settings_, world.request, fd.get());
    EXPECT_TRUE(recorder.record(world.request.recipients, outcome, {.relay = "local"}, world.request.times));
    EXPECT_EQ(world.mark(), 'D');
    EXPECT_FALSE(recorder.some_deferred());
    EXPECT_TRUE(DeliveryWorld::log("trace").contains("action=" + word + "\n"));
    EXPECT_TRUE(log_.contains("status=" + word));
    EXPECT_EQ(DeliveryWorld::log("bounce") + DeliveryWorld::log("defer"), "");
  }
}

TEST_F(Outcomes, ProbesLeaveALogLineOnly) {
  world_.request.trace_flags = queue::trace::kMtaVerify;
  EXPECT_TRUE(record(kBounced));
  EXPECT_EQ(SpoolFolder::files().size(), 1u);
  EXPECT_TRUE(log_.contains("dsn=5.1.1, status=undeliverable"));
  EXPECT_EQ(world_.mark(), 'D');
}

TEST_F(Outcomes, EachFateIsReportedToSendmailMinusV) {
  world_.request.trace_flags = queue::trace::kRecord;
  record(kBounced);
  EXPECT_TRUE(DeliveryWorld::log("bounce").contains("action=failed\nreason=unknown user"));
  EXPECT_TRUE(DeliveryWorld::log("trace").contains("action=failed\nreason=delivery via local: unknown user"));
}

TEST_F(Outcomes, ACodeOfAnotherClassIsNotBelieved) {
  record(Bounced{.status = {.code = "4.7.1", .reason = "x"}});
  EXPECT_TRUE(log_.contains("bounced: ignoring dsn code \"4.7.1\""));
  EXPECT_TRUE(log_.contains("dsn=5.0.0, status=bounced (x)"));
  record(Sent{.status = {.code = "nonsense", .reason = "y"}});
  EXPECT_TRUE(log_.contains("dsn=2.0.0, status=sent (y)"));
}

TEST_F(Outcomes, ManyRecipientsAreOneWriteOfTheLog) {
  DeliveryWorld world({"a@x.example", "b@x.example", "c@x.example"});
  const base::Fd fd = DeliveryWorld::open();
  Recorder recorder(spool_, settings_, world.request, fd.get());
  disk_.fail_at(0, 0);
  EXPECT_TRUE(recorder.record(world.request.recipients, kDeferred, {}, world.request.times));
  EXPECT_EQ(std::ranges::count_if(disk_.taken(), [](const auto& step) { return step.contains("write"); }), 1);
  EXPECT_EQ(log_.events().size(), 3u);
  EXPECT_EQ(recorder.recorded(), 3u);
}

TEST_F(Outcomes, AFilterMayTurnABounceIntoADeferral) {
  settings_.status_filter = std::make_shared<const delivery::StatusFilter>(
      "test_filter", "regexp:{{/^5.1.1 unknown user/ 4.9.9 not now}}", table::Settings());
  EXPECT_TRUE(record(kBounced));
  EXPECT_TRUE(log_.contains("dsn=4.9.9, status=deferred (not now)"));
  EXPECT_EQ(world_.mark(), 'R');
}

TEST_F(Outcomes, AFilterMayNotTurnFailureIntoSuccess) {
  const delivery::StatusFilter filter("test_filter", "static:{2.0.0 fine}", table::Settings());
  EXPECT_EQ(filter.apply(kBounced.status).code, "5.1.1");
  EXPECT_TRUE(log_.contains("is not used"));
  const delivery::StatusFilter nonsense("test_filter", "static:whatever", table::Settings());
  EXPECT_EQ(nonsense.apply(kSent.status).reason, "delivered to maildir");
}

TEST_F(Outcomes, AFlushServiceThatIsNotThereIsAWarning) {
  settings_.fast_flush_domains = std::make_shared<const table::MatchList>("fast_flush_domains", "b.example",
                                                                          table::Settings(), table::MatchList::Rules{});
  EXPECT_TRUE(record(kDeferred));
  EXPECT_TRUE(log_.contains("flush service failure"));
}

TEST(OutcomeSettings, RefuseAnUnknownAddressFormat) {
  const auto config = tests::config_of("info_log_address_format = both\n");
  EXPECT_THROW((void)OutcomeSettings::from(config), config::BadValue);
}

}  // namespace
