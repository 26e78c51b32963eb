#include "config/registry.h"

#include <algorithm>

#include "config/config.h"
#include "config/expand.h"
#include "config/param.h"

namespace {

TEST(Registry, IsInTheOrderOfNames) {
  const auto rows = config::all_parameters();
  EXPECT_TRUE(std::ranges::is_sorted(rows, {}, &config::Parameter::name));
  EXPECT_GT(rows.size(), 900U);
}

TEST(Registry, FindsEachRowByItsName) {
  for (const auto& row : config::all_parameters()) {
    const auto* found = config::find_parameter(row.name);
    EXPECT_EQ(found, row.kind == config::Kind::family ? nullptr : &row) << row.name;
  }
  EXPECT_EQ(config::find_parameter(""), nullptr);
  EXPECT_EQ(config::find_parameter("zzz"), nullptr);
  EXPECT_EQ(config::find_parameter("MYHOSTNAME"), nullptr);
}

TEST(Registry, KeysPointAtTheirRows) {
  EXPECT_EQ(config::parameter(config::param::smtpd_recipient_limit.index).name, "smtpd_recipient_limit");
  EXPECT_EQ(config::parameter(config::param::family::recipient_limit.index).name, "_recipient_limit");
  EXPECT_EQ(config::parameter(config::param::n2bounce_notice_recipient.index).name, "2bounce_notice_recipient");
}

TEST(Registry, TheLongestEndingNamesTheFamily) {
  EXPECT_EQ(config::find_family("smtp_destination_recipient_limit")->name, "_destination_recipient_limit");
  EXPECT_EQ(config::find_family("smtp_extra_recipient_limit")->name, "_extra_recipient_limit");
  EXPECT_EQ(config::find_family("smtp_recipient_limit")->name, "_recipient_limit");
  EXPECT_EQ(config::find_family("_recipient_limit"), nullptr);
  EXPECT_EQ(config::find_family("smtp_nothing"), nullptr);
}

TEST(Registry, EveryTransportHasSixteenFamiliesAndAPipeOneMore) {
  for (const char* program : {"smtp", "lmtp", "local", "virtual", "error"})
    EXPECT_EQ(config::families_of(program).size(), 16U);
  EXPECT_EQ(config::families_of("pipe").size(), 17U);
  EXPECT_EQ(config::families_of("spawn").size(), 1U);
  EXPECT_EQ(config::families_of("smtpd").size(), 0U);
}

TEST(Registry, DefaultsReferToKnownNamesOnly) {
  for (const auto& row : config::all_parameters()) {
    // Their users expand them, with names of their own.
    if (row.type == config::Type::raw) continue;
    config::for_each_reference(row.default_value, [&](std::string_view name) {
      EXPECT_NE(config::find_parameter(name), nullptr) << row.name << " refers to " << name;
    });
  }
}

TEST(Registry, ComputedDefaultsAreComputed) {
  const auto config = config::Config::from_text("", {.process_name = "x"});
  for (const auto& row : config::all_parameters()) {
    if (!row.default_value.starts_with('@')) continue;
    EXPECT_NO_THROW(static_cast<void>(config->default_of(row.name))) << row.name;
  }
}

TEST(NearestName, IsTheOneWithTheFewestMistakes) {
  EXPECT_EQ(config::nearest_name("myhostnam"), "myhostname");
  EXPECT_EQ(config::nearest_name("mydomian"), "mydomain");
  EXPECT_EQ(config::nearest_name("smtpd_recipent_restriction"), "smtpd_recipient_restrictions");
  EXPECT_EQ(config::nearest_name("MyOrigin"), "myorigin");
  EXPECT_EQ(config::nearest_name("virtual_map"), std::nullopt);
  EXPECT_EQ(config::nearest_name("x"), std::nullopt);
  EXPECT_EQ(config::nearest_name(std::string(5000, 'a')), std::nullopt);
}

}  // namespace
