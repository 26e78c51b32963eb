#include "qmgr/placement.h"

#include "qmgr/recipients.h"
#include "spool_fixture.h"

namespace qmgr {
namespace {

struct Placing : testing::Test {
  Place place(std::string_view recipient, std::string_view filter = {}, bool deliver_deferred = false) {
    return qmgr::place(
        {settings, "s@x.example", filter, deliver_deferred},
        [this](std::string_view sender, std::string_view to) {
          return routes.find(routing::Router::Purpose::delivery, sender, to);
        },
        recipient);
  }
  template <typename Fate>
  static std::string text(const Place& place) {
    const auto* const verdict = std::get_if<Verdict>(&place);
    const auto* const fate = verdict == nullptr ? nullptr : std::get_if<Fate>(&verdict->outcome);
    return fate == nullptr ? "" : fate->status.code + " " + fate->status.reason;
  }
  static std::string where(const Place& place) {
    const auto* const placement = std::get_if<Placement>(&place);
    return placement == nullptr ? "" : placement->transport + ":" + placement->nexthop;
  }
  Settings settings;
  FakeRoutes routes;
};

TEST_F(Placing, GoesWhereTheRouterSays) {
  EXPECT_EQ(where(place("u@y.example")), "smtp:y.example");
}

TEST_F(Placing, ABadAddressAndNoAddressBounce) {
  EXPECT_EQ(text<delivery::Bounced>(place("u@bad.example")), "5.1.3 bad address syntax");
  EXPECT_EQ(text<delivery::Bounced>(place("")), "5.1.3 null recipient address");
}

TEST_F(Placing, ATableThatCannotAnswerDefers) {
  const logging::Capture log;
  EXPECT_EQ(text<delivery::Deferred>(place("u@broken.example")), "4.3.0 address resolver failure");
  EXPECT_TRUE(log.contains("hash:/x: lookup error"));
}

TEST_F(Placing, DeferTransportsDeferUntilSomebodyAsks) {
  settings.defer_transports = {"later"};
  EXPECT_EQ(text<delivery::Deferred>(place("u@later.example")), "4.3.2 deferred transport");
  EXPECT_EQ(where(place("u@later.example", {}, true)), "later:later.example");
}

TEST_F(Placing, LocalMailForDoubleBounceIsDiscarded) {
  settings.double_bounce_local_part = "double-bounce";
  EXPECT_EQ(text<delivery::Sent>(place("Double-Bounce@here.example")),
            "2.0.0 undeliverable postmaster notification discarded");
  EXPECT_EQ(where(place("double-bounce@there.example")), "smtp:there.example");
}

TEST_F(Placing, AContentFilterGetsEverything) {
  EXPECT_EQ(where(place("u@y.example", "scan:[127.0.0.1]:10025")), "scan:[127.0.0.1]:10025");
  EXPECT_EQ(where(place("u@y.example", "scan:")), "scan:y.example");
  settings.default_filter_nexthop = "filter.example";
  EXPECT_EQ(where(place("u@y.example", "scan")), "scan:filter.example");
}

TEST_F(Placing, ADestinationIsTheNextHopOrOneMailbox) {
  const Placement placement{"User+list@here.example", "local", "Here.example"};
  EXPECT_EQ(destination_key(placement, 50, "+"), "here.example");
  EXPECT_EQ(destination_key(placement, 1, "+"), "user@here.example");
  EXPECT_EQ(destination_key(placement, 1, ""), "user+list@here.example");
}

TEST(Recipients, ComeBackAsTheyWere) {
  std::vector<delivery::RequestRecipient> all;
  const auto add = [&](std::string address, std::string original, std::string dsn, int notify, std::int64_t offset) {
    all.push_back({std::move(address), std::move(original), std::move(dsn), notify, offset});
  };
  add("u@x", "u@x", "rfc822;u@x", 0, 640);
  add("u@x", "alias@y", "rfc822;alias@y", 6, std::int64_t{1} << 40);
  add("u@x", "alias@y", "utf-8;other", 1, 1);
  add("u@x", "", "", 0, 127);
  add("", "", "rfc822;", 15, 128);
  add(fmt::format("{:a>300}@x", ""), fmt::format("{:b>300}", ""), fmt::format("{:c>300}", ""), 2, 300);
  scheduler::PackedList packed;
  for (const auto& one : all) packed.push_back(pack(one));
  const auto back = unpack_all(packed);
  ASSERT_EQ(back.size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(back[i].address, all[i].address);
    EXPECT_EQ(back[i].original, all[i].original);
    EXPECT_EQ(back[i].dsn_original, all[i].dsn_original);
    EXPECT_EQ(back[i].notify, all[i].notify);
    EXPECT_EQ(back[i].offset, all[i].offset);
  }
  EXPECT_LT(pack(all[0]).size(), 10U);
}

}  // namespace
}  // namespace qmgr
