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
  }
  std::string told;
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
  EXPECT_EQ(steps.told,
            "address class: default (e.test)\ntransport_maps[a@e.test] = -\ntransport_maps[e.test] = smtp:[x]\n"
            "transport: smtp ([x])\n");
}

TEST(Context, IsRemoteOnlyByName) {
  EXPECT_EQ(context_named("remote"), Context::remote);
  EXPECT_EQ(context_named("local"), Context::local);
  EXPECT_EQ(context_named(""), Context::local);
}

}  // namespace
}  // namespace routing
