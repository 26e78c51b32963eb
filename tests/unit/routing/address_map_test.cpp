#include "routing/address_map.h"

#include "config_for_tests.h"
#include "logging/log.h"

namespace routing {
namespace {

using Addresses = std::vector<std::string>;

class Aliases : public testing::Test {
 protected:
  void use(std::string_view entries, std::string_view more = "") {
    config_.emplace(
        config_with(fmt::format("recipient_delimiter = +\nvirtual_alias_maps = inline:{{ {} }}\n{}", entries, more)));
    router_.emplace(*config_);
    map_.emplace(*config_, *router_, "virtual_alias_maps", "virtual");
  }
  Addresses find(std::string_view address) { return map_->find(address).value(); }
  Addresses expand(std::string_view address) { return expand_virtual(*map_, *config_, address).value().addresses; }
  std::string problem(std::string_view address) { return expand_virtual(*map_, *config_, address).value().problem; }

  std::optional<config::Config> config_;
  std::optional<Router> router_;
  std::optional<AddressMap> map_;
  logging::Capture log_;
};

TEST_F(Aliases, AreFoundByAddressThenDomain) {
  use("{a@v.test=x@y}, {@v.test=all@y}");
  EXPECT_EQ(find("a@v.test"), Addresses{"x@y"});
  EXPECT_EQ(find("b@v.test"), Addresses{"all@y"});
  EXPECT_EQ(find("b@w.test"), Addresses{});
  EXPECT_EQ(find(""), Addresses{});
}

TEST_F(Aliases, HaveBareKeysForOurOwnDomains) {
  use("{bare=x@y}");
  EXPECT_EQ(find("bare@fmt.test"), Addresses{"x@y"});
  EXPECT_EQ(find("bare@mx.fmt.test"), Addresses{"x@y"});
  EXPECT_EQ(find("bare@other.test"), Addresses{});
}

TEST_F(Aliases, KeepAnExtensionThatNoKeyHad) {
  use("{a@v.test=x@y, z}");
  EXPECT_EQ(find("a+ext@v.test"), (Addresses{"x+ext@y", "z+ext@fmt.test"}));
  use("{a@v.test=x@y}", "propagate_unmatched_extensions = canonical\n");
  EXPECT_EQ(find("a+ext@v.test"), Addresses{"x@y"});
}

TEST_F(Aliases, CanReplaceTheDomainAlone) {
  use("{@v.test=@w.test}");
  EXPECT_EQ(find("a+b@v.test"), Addresses{"a+b@w.test"});
}

TEST_F(Aliases, TakeAnyFormOfAddresses) {
  use("{m@v.test=x, y z, \"q r\"@t, <ang@x>, Full Name <fn@x>, (c) com@x, a!b}");
  EXPECT_EQ(find("m@v.test"),
            (Addresses{"x@fmt.test", "y@fmt.test", "z@fmt.test", "q r@t", "ang@x", "fn@x", "com@x", "b@a"}));
}

TEST_F(Aliases, WithoutAnAddressAreErrors) {
  use("{a@v.test=(only)}");
  const auto found = map_->find("a@v.test");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().text, "virtual_alias_maps lookup of a@v.test returns non-address result \"(only)\"");
}

TEST_F(Aliases, ExpandInPlaceAndAtTheEnd) {
  use("{a@v=b@v c@v, a@v}, {b@v=d@v, e@v}, {e@v=f@v}");
  EXPECT_EQ(expand("a@v"), (Addresses{"d@v", "c@v", "a@v", "f@v"}));
}

TEST_F(Aliases, StayWhenTheyAreTheirOwnResult) {
  use("{self@v=self@v}, {CASE@v=Case@v}");
  EXPECT_EQ(expand("self@v"), Addresses{"self@v"});
  EXPECT_EQ(expand("self+x@v"), Addresses{"self+x@v"});
  EXPECT_EQ(expand("case@v"), Addresses{"Case@v"});
  EXPECT_EQ(expand("none@v"), Addresses{"none@v"});
}

TEST_F(Aliases, NameNobodyTwice) {
  use("{a@v=d1@v, d1@v, D1@v}");
  EXPECT_EQ(expand("a@v"), Addresses{"d1@v"});
}

TEST_F(Aliases, ThatTurnInCirclesAreToldOf) {
  use("{a@v=b@v}, {b@v=a@v}");
  EXPECT_EQ(problem("a@v"),
            "unreasonable virtual_alias_maps map nesting for a@v -- message not accepted, try again later");
}

TEST_F(Aliases, AreNotTooMany) {
  use("{a@v=b@v c@v d@v}", "virtual_alias_expansion_limit = 2\n");
  EXPECT_EQ(problem("a@v"),
            "unreasonable virtual_alias_maps map expansion size for a@v -- message not accepted, try again later");
}

TEST_F(Aliases, AreNotTooLong) {
  use("{a@v=abcdefghij@v}", "virtual_alias_address_length_limit = 10\n");
  EXPECT_EQ(problem("a@v"),
            "unreasonable virtual_alias_maps result abcdefghij@v... -- message not accepted, try again later");
}

TEST_F(Aliases, ThatCannotBeLookedUpWait) {
  auto config = config_with("virtual_alias_maps = fail:x\n");
  const Router router(config);
  const AddressMap map(config, router, "virtual_alias_maps", "virtual");
  EXPECT_FALSE(expand_virtual(map, config, "a@v"));
}

TEST(Canonical, GoesOnUntilNothingChanges) {
  logging::Capture log;
  auto config =
      config_with("canonical_maps = inline:{ {a@v=b@v}, {b@v=c@v}, {l@v=m@v}, {m@v=l@v}, {two@v=x@v, y@v} }\n");
  const Router router(config);
  const AddressMap map(config, router, "canonical_maps", "canonical");
  EXPECT_EQ(canonical(map, "a@v").value(), "c@v");
  EXPECT_EQ(canonical(map, "z@v").value(), "z@v");
  EXPECT_EQ(canonical(map, "two@v").value(), "x@v");
  EXPECT_TRUE(log.contains("multi-valued canonical_maps entry for two@v"));
  EXPECT_EQ(canonical(map, "l@v").value(), "l@v");
  EXPECT_TRUE(log.contains("unreasonable canonical_maps map nesting for l@v"));
}

TEST(Masquerading, CutsSubdomains) {
  auto config = config_with("masquerade_domains = !no.m.test M.test n.test\nmasquerade_exceptions = root\n");
  const Masquerade masquerade(config);
  EXPECT_EQ(masquerade.apply("a@b.m.test").value(), "a@M.test");
  EXPECT_EQ(masquerade.apply("a@m.test").value(), "a@m.test");
  EXPECT_EQ(masquerade.apply("a@x.no.m.test").value(), "a@x.no.m.test");
  EXPECT_EQ(masquerade.apply("a@no.m.test").value(), "a@no.m.test");
  EXPECT_EQ(masquerade.apply("Root@b.m.test").value(), "Root@b.m.test");
  EXPECT_EQ(masquerade.apply("root+x@b.m.test").value(), "root+x@M.test");
  EXPECT_EQ(masquerade.apply("a@xm.test").value(), "a@xm.test");
  EXPECT_EQ(masquerade.apply("a@b.c.n.test").value(), "a@n.test");
  EXPECT_EQ(masquerade.apply("a").value(), "a");
}

TEST(Masquerading, IsOffByDefault) {
  auto config = config_with();
  EXPECT_TRUE(Masquerade(config).empty());
}

}  // namespace
}  // namespace routing
