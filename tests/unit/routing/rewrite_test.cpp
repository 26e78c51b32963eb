// Rewriting addresses: the rows are what Postfix's trivial-rewrite answers.
#include "config_for_tests.h"
#include "routing/router.h"

namespace routing {
namespace {

struct Row {
  const char* address;
  const char* local;
  const char* remote;
};

void expect(const Router& router, std::initializer_list<Row> rows) {
  for (const Row& row : rows) {
    EXPECT_EQ(router.rewrite(Context::local, row.address), row.local) << row.address;
    EXPECT_EQ(router.rewrite(Context::remote, row.address), row.remote) << row.address;
  }
}

TEST(Rewrite, CompletesAddresses) {
  const auto config = config_with();
  expect(Router(config), {{"x", "x@fmt.test", "x"},
                          {"x@host", "x@host", "x@host"},
                          {"x@host.", "x@host", "x@host"},
                          {"x@y.z..", "x@y.z..", "x@y.z.."},
                          {"x.", "\"x.\"@fmt.test", "x"},
                          {"x@", "x@", "x@"}});
}

TEST(Rewrite, TakesTheNullAddressAsIs) {
  const auto config = config_with();
  expect(Router(config), {{"", "", ""}, {"@", "\"\"", "\"\""}, {"\"\"", "\"\"", "\"\""}});
}

TEST(Rewrite, StripsSourceRoutes) {
  const auto config = config_with();
  expect(Router(config), {{"@a,@b:c@d", "c@d", "c@d"},
                          {"@a:b", "b@fmt.test", "b"},
                          {"@a,b", "\"\"@a, b", "\"\"@a, b"},
                          {"@a:", "@a:\"\"", "@a:\"\""}});
}

TEST(Rewrite, SwapsBangPathsAndPercents) {
  const auto config = config_with();
  expect(Router(config), {{"a!b!c", "b!c@a", "b!c@a"},
                          {"a%b", "a@b", "a@b"},
                          {"a%b%c", "a%b@c", "a%b@c"},
                          {"a!b%c", "b%c@a", "b%c@a"},
                          {"a%b@c", "a%b@c", "a%b@c"},
                          {"a!b@c", "a!b@c", "a!b@c"},
                          {"!a", "a@", "a@"},
                          {"a%", "a@", "a@"},
                          {"\"a!b\"", "a!b@fmt.test", "a!b"},
                          {"a\\%b", "a%b@fmt.test", "a%b"}});
}

TEST(Rewrite, SwapsOnlyWhereItMay) {
  const auto config = config_with("swap_bangpath = no\nallow_percent_hack = no\n");
  expect(Router(config), {{"a!b", "a!b@fmt.test", "a!b"}, {"a%b", "a%b@fmt.test", "a%b"}});
}

TEST(Rewrite, AppendsMydomainWhereAsked) {
  const auto config = config_with("append_dot_mydomain = yes\nremote_header_rewrite_domain = rhd.test\n");
  expect(Router(config), {{"x", "x@fmt.test", "x@rhd.test"},
                          {"x@host", "x@host.fmt.test", "x@host.rhd.test"},
                          {"x@host.", "x@host", "x@host"},
                          {"x@[h]", "x@[h]", "x@[h]"},
                          {"x@a.b", "x@a.b", "x@a.b"}});
}

TEST(Rewrite, TakesItsInputForOneAddress) {
  const auto config = config_with();
  expect(Router(config), {{"\"q x\"", "\"q x\"@fmt.test", "\"q x\""},
                          {"x (comm)", "\"x (comm)\"@fmt.test", "\"x (comm)\""},
                          {"<x@y>", "\"<x\"@y>", "\"<x\"@y>"},
                          {"a,b", "\"a, b\"@fmt.test", "\"a, b\""},
                          {"\"unterm", "unterm@fmt.test", "unterm"},
                          {"x@\"y z\"", "x@y z", "x@y z"}});
}

TEST(RewriteInternal, GoesByTheEnvelopeForm) {
  const auto config = config_with();
  const Router router(config);
  EXPECT_EQ(router.rewrite_internal(Context::local, "a b"), "a b@fmt.test");
  EXPECT_EQ(router.rewrite_internal(Context::local, "a@b@c"), "a@b@c");
  EXPECT_EQ(router.rewrite_internal(Context::local, "a!b"), "b@a");
  EXPECT_EQ(router.rewrite_internal(Context::local, ""), "");
}

class Steps final : public Observer {
 public:
  void rewrote(std::string_view rule, std::string_view before, std::string_view after) override {
    told += fmt::format("{}: {} -> {}\n", rule, before, after);
  }
  void looked_up(std::string_view parameter, std::string_view key, const std::string* result) override {
    told += fmt::format("{}[{}] = {}\n", parameter, key, result == nullptr ? "-" : *result);
  }
  void decided(std::string_view what, std::string_view verdict, std::string_view because) override {
    told += fmt::format("{}: {} ({})\n", what, verdict, because);
    decisions_[std::string(what)] = fmt::format("{}: {} ({})\n", what, verdict, because);
  }
  void found_in(std::string_view table) override { told += fmt::format("in {} ", table); }
  void listed(std::string_view parameter, std::string_view what, bool is_listed) override {
    told += fmt::format("{} has {}: {}\n", parameter, what, is_listed ? "yes" : "no");
  }
  std::string last_decisions() const {
    std::string all;
    for (const auto& [what, text] : decisions_) all += text;
    return all;
  }
  std::string told;

 private:
  std::map<std::string, std::string> decisions_;
};

TEST(Rewrite, TellsItsSteps) {
  const auto config = config_with("append_dot_mydomain = yes\n");
  Steps steps;
  Router(config).rewrite(Context::local, "@r:a%b", &steps);
  EXPECT_EQ(steps.told,
            "source route: @r:a%b -> a%b\nallow_percent_hack: a%b -> a@b\nappend_dot_mydomain: a@b -> a@b.fmt.test\n");
}

TEST(ResolveSteps, AreTold) {
  const auto config = config_with("transport_maps = inline:{ { e.test = smtp:[x] } }\n");
  Steps steps;
  ASSERT_TRUE(Router(config).resolve("", "a@e.test", &steps));
  EXPECT_EQ(
      steps.told,
      "mydestination has e.test: no\nvirtual_alias_domains has e.test: no\nvirtual_mailbox_domains has e.test: no\n"
      "relay_domains has e.test: no\naddress class: default (no list has the domain)\n"
      "next hop: e.test (the recipient's domain)\ntransport: smtp (default_transport)\n"
      "transport_maps[a@e.test] = -\nin inline:{ { e.test = smtp:[x] } } transport_maps[e.test] = smtp:[x]\n"
      "transport: smtp (transport_maps)\nnext hop: [x] (transport_maps)\n");
}

TEST(ResolveSteps, NameTheParameterThatDecided) {
  const auto config = config_with(
      "relayhost = [r.test]\nsender_dependent_relayhost_maps = inline:{s@s.test=[s.test]}\nrelay_domains = re.test\n"
      "sender_dependent_default_transport_maps = inline:{s@s.test=slow:}\nrelocated_maps = "
      "inline:{m@fmt.test=n@x.test}\n"
      "virtual_alias_domains = al.test\n");
  const Router router(config);
  const auto decisions = [&](std::string_view sender, std::string_view recipient) {
    Steps steps;
    EXPECT_TRUE(router.resolve(sender, recipient, &steps));
    return steps.last_decisions();
  };
  EXPECT_EQ(decisions("", "a@e.test"),
            "address class: default (no list has the domain)\nnext hop: [r.test] (relayhost)\n"
            "transport: smtp (default_transport)\n");
  EXPECT_EQ(decisions("s@s.test", "a@e.test"),
            "address class: default (no list has the domain)\nnext hop: [s.test] (sender_dependent_relayhost_maps)\n"
            "transport: slow (sender_dependent_default_transport_maps)\n");
  EXPECT_EQ(
      decisions("", "a@re.test"),
      "address class: relay (relay_domains)\nnext hop: [r.test] (relayhost)\ntransport: relay (relay_transport)\n");
  EXPECT_EQ(decisions("", "m@fmt.test"),
            "address class: local (mydestination)\nnext hop: 5.1.6 User has moved to n@x.test (relocated_maps)\n"
            "transport: error (relocated_maps)\n");
  EXPECT_EQ(decisions("", "a@al.test"),
            "address class: virtual alias (virtual_alias_domains)\n"
            "next hop: 5.1.1 User unknown in virtual alias table (virtual_alias_domains)\n"
            "transport: error (virtual_alias_domains)\n");
  EXPECT_EQ(decisions("", "a@b..c"), "address: not valid (its domain is malformed)\n");
  EXPECT_EQ(decisions("", "a@[127.0.0.1]"),
            "address class: local (inet_interfaces)\nnext hop: mx.fmt.test (local_transport)\n"
            "transport: local (local_transport)\n");
}

TEST(ResolveSteps, TellOfAddressesWithinAddresses) {
  const auto config = config_with();
  Steps steps;
  ASSERT_TRUE(Router(config).resolve("", "a%e.test@fmt.test", &steps));
  EXPECT_TRUE(
      steps.told.contains("domain of our own: a%e.test@fmt.test -> a%e.test\n"
                          "allow_percent_hack: a%e.test -> a@e.test\n"))
      << steps.told;
}

TEST(Context, IsRemoteOnlyByName) {
  EXPECT_EQ(context_named("remote"), Context::remote);
  EXPECT_EQ(context_named("local"), Context::local);
  EXPECT_EQ(context_named(""), Context::local);
}

}  // namespace
}  // namespace routing
