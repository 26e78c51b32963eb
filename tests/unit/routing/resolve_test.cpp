// Finding transport, next hop and class: the rows are what Postfix's trivial-rewrite answers.
#include "config_for_tests.h"
#include "logging/log.h"
#include "routing/router.h"

namespace routing {
namespace {

constexpr std::string_view kTables = R"(
recipient_delimiter = +
relayhost = [rh]:25
virtual_alias_domains = va.test
virtual_mailbox_domains = vm.test
relay_domains = relay.test
transport_maps = inline:{ {full+ext@t.test=t1:a}, {user@t.test=t2:b}, {t.test=t3:c}, {.sub.test=t4:}, {e.test=:nh5},
 {err.test=error:}, {err2.test=error:5.2.1 go away}, {colon.test=:}, {justname.test=t6}, {only@fmt.test=smtp:} }
relocated_maps = inline:{ {moved@fmt.test=newplace@example.com}, {bare=x}, {@gone.test=all gone} }
sender_dependent_default_transport_maps = inline:{ {s1@x.test=sdt:sdn}, {<>=nullt:nulln}, {@y.test=sdy}, {d@y.test=DUNNO} }
sender_dependent_relayhost_maps = inline:{ {s2@x.test=[rh2]:99}, {@z.test=rhz}, {d@z.test=dunno} }
)";

// "transport|nexthop|recipient|class", or what is wrong.
std::string answer(const Router& router, std::string_view sender, std::string_view recipient) {
  const auto route = router.resolve(sender, recipient);
  if (!route) return "error";
  if (route->transport.empty()) return route->bad_address ? "bad" : "nothing";
  return fmt::format("{}|{}|{}|{}{}{}", route->transport, route->nexthop, route->recipient,
                     name_of(route->address_class), route->bad_address ? "|bad" : "", route->routed ? "|routed" : "");
}

class Resolve : public testing::Test {
 protected:
  config::Config config_ = config_with(kTables);
  Router router_{config_};
  std::string from_null(std::string_view recipient) { return answer(router_, "", recipient); }
};

TEST_F(Resolve, TransportMapsGoFromTheWholeAddressToTheDomain) {
  EXPECT_EQ(from_null("full+ext@t.test"), "t1|a|full+ext@t.test|default");
  EXPECT_EQ(from_null("full+x@t.test"), "t3|c|full+x@t.test|default");
  EXPECT_EQ(from_null("x@t.test"), "t3|c|x@t.test|default");
  EXPECT_EQ(from_null("user+ext@t.test"), "t2|b|user+ext@t.test|default");
}

TEST_F(Resolve, SubdomainsNeedADot) {
  EXPECT_EQ(from_null("x@a.t.test"), "nullt|nulln|x@a.t.test|default");
  EXPECT_EQ(from_null("x@b.sub.test"), "t4|b.sub.test|x@b.sub.test|default");
  EXPECT_EQ(from_null("x@sub.test"), "nullt|nulln|x@sub.test|default");
}

TEST_F(Resolve, EitherSideOfATransportMayBeMissing) {
  EXPECT_EQ(from_null("x@e.test"), "nullt|nh5|x@e.test|default");
  EXPECT_EQ(from_null("x@colon.test"), "nullt|nulln|x@colon.test|default");
  EXPECT_EQ(from_null("x@justname.test"), "t6|justname.test|x@justname.test|default");
  EXPECT_EQ(from_null("only@fmt.test"), "smtp|fmt.test|only@fmt.test|local");
}

TEST_F(Resolve, ErrorNeedsAText) {
  EXPECT_EQ(from_null("x@err.test"), "error|Address is undeliverable|x@err.test|default");
  EXPECT_EQ(from_null("x@err2.test"), "error|5.2.1 go away|x@err2.test|default");
}

TEST_F(Resolve, EachClassHasItsTransport) {
  EXPECT_EQ(from_null("x@relay.test"), "relay|[rh]:25|x@relay.test|relay");
  EXPECT_EQ(from_null("x@a.relay.test"), "relay|[rh]:25|x@a.relay.test|relay");
  EXPECT_EQ(from_null("x@vm.test"), "virtual|vm.test|x@vm.test|virtual mailbox");
  EXPECT_EQ(from_null("x@va.test"), "error|5.1.1 User unknown in virtual alias table|x@va.test|virtual alias");
  EXPECT_EQ(answer(router_, "a@b", "x@other.test"), "smtp|[rh]:25|x@other.test|default");
}

TEST_F(Resolve, LocalIsWhatMydestinationAndOurAddressesSay) {
  EXPECT_EQ(from_null("x"), "local|mx.fmt.test|x@mx.fmt.test|local");
  EXPECT_EQ(from_null("x@mx.fmt.test"), "local|mx.fmt.test|x@mx.fmt.test|local");
  EXPECT_EQ(from_null("x@FMT.test"), "local|mx.fmt.test|x@FMT.test|local");
  EXPECT_EQ(from_null("x@[127.0.0.1]"), "local|mx.fmt.test|x@[127.0.0.1]|local");
  EXPECT_EQ(from_null("x@[127.0.0.9]"), "nullt|nulln|x@[127.0.0.9]|default");
}

TEST_F(Resolve, BadAddressesHaveNoRoute) {
  for (const char* bad : {"x@1.2.3.4", "postmaster@", "x@y..z", "\"a@b\"@fmt.test", "x@[::1]", "x@[foo]", "x@[]",
                          "x@-a.b", "x@.a", "x@a..", "@@fmt.test", "\xff@other.test"}) {
    EXPECT_EQ(from_null(bad), "bad") << bad;
  }
}

TEST_F(Resolve, AHyphenAtTheFrontIsBadButRouted) {
  EXPECT_EQ(answer(router_, "a@b", "-x@other.test"), "smtp|[rh]:25|-x@other.test|default|bad");
}

TEST_F(Resolve, LocalDomainsComeOffAndTheRestIsLookedAtAgain) {
  EXPECT_EQ(from_null("a@b.test@fmt.test"), "nullt|nulln|a@b.test|default");
  EXPECT_EQ(from_null("x%y.z@fmt.test"), "nullt|nulln|x@y.z|default");
  EXPECT_EQ(from_null("y.z!x@fmt.test"), "nullt|nulln|x@y.z|default");
  EXPECT_EQ(from_null("x@y@z@fmt.test@fmt.test"), "nullt|nulln|x@y@z|default|routed");
  EXPECT_EQ(from_null("a@b.test@"), "nullt|nulln|a@b.test|default");
}

TEST_F(Resolve, WhatElseRoutesIsTold) {
  EXPECT_EQ(answer(router_, "a@b", "x%y@other.test"), "smtp|[rh]:25|x%y@other.test|default|routed");
  EXPECT_EQ(answer(router_, "a@b", "x!y@other.test"), "smtp|[rh]:25|x!y@other.test|default|routed");
}

TEST_F(Resolve, TrailingDotsGo) {
  EXPECT_EQ(answer(router_, "a@b", "x@other.test."), "smtp|[rh]:25|x@other.test|default");
  EXPECT_EQ(from_null("x@fmt.test."), "local|mx.fmt.test|x@fmt.test|local");
}

TEST_F(Resolve, NobodyIsMailerDaemon) {
  EXPECT_EQ(from_null("@fmt.test"), "local|mx.fmt.test|MAILER-DAEMON@fmt.test|local");
  EXPECT_EQ(from_null(""), "local|mx.fmt.test|MAILER-DAEMON@mx.fmt.test|local");
}

TEST_F(Resolve, WhoHasMovedBounces) {
  EXPECT_EQ(from_null("moved@fmt.test"), "error|5.1.6 User has moved to newplace@example.com|moved@fmt.test|local");
  EXPECT_EQ(from_null("moved+e@fmt.test"), "error|5.1.6 User has moved to newplace@example.com|moved+e@fmt.test|local");
  EXPECT_EQ(from_null("bare@mx.fmt.test"), "error|5.1.6 User has moved to x|bare@mx.fmt.test|local");
  EXPECT_EQ(from_null("a@gone.test"), "error|5.1.6 User has moved to all gone|a@gone.test|default");
}

TEST_F(Resolve, SendersChooseTheirTransport) {
  EXPECT_EQ(answer(router_, "s1@x.test", "x@other.test"), "sdt|sdn|x@other.test|default");
  EXPECT_EQ(answer(router_, "s1+e@x.test", "x@other.test"), "sdt|sdn|x@other.test|default");
  EXPECT_EQ(answer(router_, "k@y.test", "x@other.test"), "sdy|[rh]:25|x@other.test|default");
  EXPECT_EQ(answer(router_, "d@y.test", "x@other.test"), "smtp|[rh]:25|x@other.test|default");
  EXPECT_EQ(answer(router_, "s1@x.test", "x@relay.test"), "relay|[rh]:25|x@relay.test|relay");
}

TEST_F(Resolve, SendersChooseTheirRelayhost) {
  EXPECT_EQ(answer(router_, "s2@x.test", "x@other.test"), "smtp|[rh2]:99|x@other.test|default");
  EXPECT_EQ(answer(router_, "s2@x.test", "x@relay.test"), "relay|[rh2]:99|x@relay.test|relay");
  EXPECT_EQ(answer(router_, "q@z.test", "x@other.test"), "smtp|rhz|x@other.test|default");
  EXPECT_EQ(answer(router_, "d@z.test", "x@other.test"), "smtp|[rh]:25|x@other.test|default");
}

std::string with(std::string_view settings, std::string_view recipient,
                 Router::Purpose purpose = Router::Purpose::delivery) {
  const auto config = config_with(settings);
  return answer(Router(config, purpose), "a@b", recipient);
}

TEST(ResolveSettings, NumericDomains) {
  EXPECT_EQ(with("resolve_numeric_domain = yes\n", "x@1.2.3.4"), "smtp|[1.2.3.4]|x@[1.2.3.4]|default");
}

TEST(ResolveSettings, NullDomains) {
  EXPECT_EQ(with("resolve_null_domain = yes\n", "x@"), "local|mx.fmt.test|x@mx.fmt.test|local");
}

TEST(ResolveSettings, QuotedRoutesCanBeHidden) {
  EXPECT_EQ(with("resolve_dequoted_address = yes\n", "a@b.test@fmt.test"), "smtp|b.test|a@b.test|default");
  EXPECT_EQ(with("resolve_dequoted_address = no\n", "a@b.test@fmt.test"),
            "local|mx.fmt.test|a@b.test@fmt.test|local|routed");
}

TEST(ResolveSettings, HyphensCanBeAllowed) {
  EXPECT_EQ(with("allow_min_user = yes\n", "-x@fmt.test"), "local|mx.fmt.test|-x@fmt.test|local");
}

TEST(ResolveSettings, TransportsMayNameTheirNexthop) {
  EXPECT_EQ(with("virtual_mailbox_domains = v.test\nvirtual_transport = lmtp:unix:private/lmtp\n", "x@v.test"),
            "lmtp|unix:private/lmtp|x@v.test|virtual mailbox");
  EXPECT_EQ(with("default_transport = smtp:[gate]\nrelayhost = [rh]\n", "x@o.test"), "smtp|[gate]|x@o.test|default");
}

TEST(ResolveSettings, ANullTransportIsAMistake) {
  const auto config = config_with("virtual_transport = :x\n");
  EXPECT_THROW(Router{config}, config::BadValue);
}

TEST(ResolveSettings, ANullTransportInATableWaits) {
  EXPECT_EQ(with("sender_dependent_default_transport_maps = inline:{ {a@b=:x} }\n", "x@o.test"), "error");
}

TEST(ResolveSettings, ATableThatCannotAnswerWaits) {
  logging::Capture quiet;
  for (const char* setting :
       {"transport_maps = fail:x\n", "relocated_maps = fail:x\n", "virtual_alias_domains = fail:x\n",
        "relay_domains = fail:x\n", "mydestination = fail:x\n", "sender_dependent_relayhost_maps = fail:x\n"}) {
    EXPECT_EQ(with(setting, "x@o.test"), "error") << setting;
  }
}

TEST(ResolveSettings, RelocatedTextsCanStandAlone) {
  EXPECT_EQ(with("relocated_maps = inline:{ {x@o.test=5.2.1 elsewhere} }\nrelocated_prefix_enable = no\n", "x@o.test"),
            "error|5.2.1 elsewhere|x@o.test|default");
}

TEST(ResolveSettings, TheUnknownAliasTextCanBeShort) {
  EXPECT_EQ(with("virtual_alias_domains = va.test\nshow_user_unknown_table_name = no\n", "x@va.test"),
            "error|5.1.1 User unknown|x@va.test|virtual alias");
}

TEST(ResolveSettings, ProbesCanGoAnotherWay) {
  constexpr std::string_view kSettings =
      "relayhost = [rh]\naddress_verify_relayhost =\naddress_verify_default_transport = probe\n";
  EXPECT_EQ(with(kSettings, "x@o.test"), "smtp|[rh]|x@o.test|default");
  EXPECT_EQ(with(kSettings, "x@o.test", Router::Purpose::verification), "probe|o.test|x@o.test|default");
}

TEST(ResolveSettings, WildcardsComeLast) {
  EXPECT_EQ(with("transport_maps = inline:{ {*=smtp:[gate]}, {o.test=smtp:[o]} }\n", "x@p.test"),
            "smtp|[gate]|x@p.test|default");
}

TEST(ResolveSettings, ParentsMatchWhereTransportMapsIsListed) {
  EXPECT_EQ(with("transport_maps = inline:{ {o.test=t:} }\nparent_domain_matches_subdomains = transport_maps\n",
                 "x@a.o.test"),
            "t|a.o.test|x@a.o.test|default");
}

TEST(ResolveSettings, Utf8DomainsAreDomains) {
  EXPECT_EQ(with("",
                 "x@b\xc3\xbc"
                 "cher.test"),
            "smtp|b\xc3\xbc"
            "cher.test|x@b\xc3\xbc"
            "cher.test|default");
  EXPECT_EQ(with("smtputf8_enable = no\n",
                 "x@b\xc3\xbc"
                 "cher.test"),
            "bad");
}

TEST(ResolveSettings, ProxiesAreOurselves) {
  EXPECT_EQ(with("proxy_interfaces = 192.0.2.7, [2001:db8::7]\n", "x@[192.0.2.7]"),
            "local|mx.fmt.test|x@[192.0.2.7]|local");
  EXPECT_EQ(with("proxy_interfaces = 192.0.2.7, [2001:db8::7]\n", "x@[IPv6:2001:DB8:0::7]"),
            "local|mx.fmt.test|x@[IPv6:2001:DB8:0::7]|local");
}

TEST(ResolveWarnings, ADomainInTwoClassesIsToldOnce) {
  logging::Capture log;
  const auto config = config_with("virtual_alias_domains = fmt.test\n");
  const Router router(config);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(router.resolve("", "x@fmt.test"));
  ASSERT_EQ(log.events().size(), 1U);
  EXPECT_EQ(log.events()[0].text, "do not list domain fmt.test in BOTH mydestination and virtual_alias_domains");
}

TEST(Class, IsLocalFirst) {
  const auto config = config_with("relay_domains = $mydestination, r.test\n");
  const Router router(config);
  EXPECT_EQ(router.class_of_domain("fmt.test").value(), AddressClass::local);
  EXPECT_EQ(router.class_of_domain("r.test").value(), AddressClass::relay);
  EXPECT_EQ(router.class_of_domain("o.test").value(), AddressClass::other);
  EXPECT_TRUE(router.is_local_domain("[127.0.0.1]").value());
  EXPECT_FALSE(router.is_local_domain("").value());
}

TEST(Class, IsRememberedOnlyForFixedLists) {
  const auto config = config_with("virtual_alias_domains = static:yes\n");
  const Router router(config);
  EXPECT_EQ(router.class_of_domain("a.test").value(), AddressClass::virtual_alias);
  EXPECT_EQ(router.class_of_domain("a.test").value(), AddressClass::virtual_alias);
}

}  // namespace
}  // namespace routing
