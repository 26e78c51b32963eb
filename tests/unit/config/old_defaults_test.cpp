#include "config/old_defaults.h"

#include <gtest/gtest.h>

#include "config/param.h"

namespace {

config::Config config_of(std::string_view text) {
  return *config::Config::from_text(text);
}

TEST(OldDefaults, AreInForceBelowTheirLevel) {
  EXPECT_TRUE(config::has_old_default(config_of(""), "append_dot_mydomain", "1"));
  EXPECT_TRUE(config::has_old_default(config_of("compatibility_level = 3.5"),
                                      "smtpd_relay_before_recipient_restrictions", "3.6"));
  EXPECT_FALSE(config::has_old_default(config_of("compatibility_level = 1"), "append_dot_mydomain", "1"));
  EXPECT_FALSE(config::has_old_default(config_of("compatibility_level = 3.11"), "append_dot_mydomain", "3.6"));
}

TEST(OldDefaults, AreNoneWhenTheParameterIsSet) {
  EXPECT_FALSE(config::has_old_default(config_of("append_dot_mydomain = yes"), "append_dot_mydomain", "1"));
  EXPECT_FALSE(config::has_old_default(config_of("smtpd_relay_restrictions ="), "smtpd_relay_restrictions", "1"));
}

TEST(OldDefaults, AreNoneWhenAnOptionSetsTheParameter) {
  const auto config = config::Config::from_text("", {.overrides = {{"smtputf8_enable", "no"}}});
  EXPECT_FALSE(config::has_old_default(*config, "smtputf8_enable", "1"));
}

TEST(OldDefaults, LevelsAreComparedByTheirNumbers) {
  EXPECT_TRUE(config::is_below_level(config_of("compatibility_level = 3.6"), config::kNewestLevel));
  EXPECT_FALSE(config::is_below_level(config_of("compatibility_level = 3.12"), config::kNewestLevel));
  EXPECT_FALSE(config::is_below_level(config_of("compatibility_level = 9999"), config::kNewestLevel));
  EXPECT_FALSE(config::is_below_level(config_of("compatibility_level = old"), config::kNewestLevel));
}

TEST(OldDefaults, FastFlushDomainsAreThoseOfRelayDomainsUnlessTheyAreSet) {
  EXPECT_TRUE(config::has_old_flush_domains(config_of("")));
  EXPECT_FALSE(config::has_old_flush_domains(config_of("fast_flush_domains = a.example")));
  EXPECT_FALSE(config::has_old_flush_domains(config_of("relay_domains = a.example")));
  EXPECT_FALSE(config::has_old_flush_domains(config_of("compatibility_level = 2")));
}

TEST(OldDefaults, NetworksAreComparedOnlyWhenTheirStyleIsAnOldDefault) {
  EXPECT_NE(config::newer_networks(config_of("")), "");
  EXPECT_EQ(config::newer_networks(config_of("mynetworks = 192.0.2.0/24")), "");
  EXPECT_EQ(config::newer_networks(config_of("mynetworks_style = subnet")), "");
  EXPECT_EQ(config::newer_networks(config_of("compatibility_level = 2")), "");
}

}  // namespace
