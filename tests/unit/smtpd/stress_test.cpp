// What stress changes, and that it goes away.
#include <gtest/gtest.h>

#include <algorithm>

#include "lib/smtpd_world.h"

namespace {

using smtpd_world::MemorySink;

config::Config config_of(const std::string& text, bool stress) {
  config::Source source{.process_name = "smtpd", .service_name = "smtp"};
  if (stress) source.overrides.push_back({"stress", "yes"});
  return std::move(
      config::Config::from_text("compatibility_level = 3.6\nmyhostname = mail.example.test\n" + text, source).value());
}

class Stress : public ::testing::Test {
 protected:
  void use(const std::string& text) {
    calm_ = std::make_unique<config::Config>(config_of(text, false));
    stress_ = std::make_unique<config::Config>(config_of(text, true));
    shared_ = std::make_unique<smtpd::Shared>(
        smtpd::Shared::Parts{.config = calm_.get(), .stress_config = stress_.get(), .sink = &sink_});
  }

  long told(std::string_view text) const {
    return std::ranges::count_if(log_.events(), [&](const auto& event) { return event.text.contains(text); });
  }

  logging::Capture log_;
  MemorySink sink_;
  std::unique_ptr<config::Config> calm_, stress_;
  std::unique_ptr<smtpd::Shared> shared_;
};

TEST_F(Stress, ComesAndGoes) {
  use("smtpd_hard_error_limit = ${stress?{1}:{20}}\n");
  EXPECT_EQ(shared_->settings().hard_error_limit, 20);
  EXPECT_EQ(shared_->settings().timeout, std::chrono::seconds(300));
  shared_->set_stressed(true);
  EXPECT_EQ(shared_->settings().hard_error_limit, 1);
  EXPECT_EQ(shared_->settings().timeout, std::chrono::seconds(10));
  shared_->set_stressed(false);
  EXPECT_EQ(shared_->settings().hard_error_limit, 20);
  EXPECT_EQ(shared_->settings().timeout, std::chrono::seconds(300));
}

TEST_F(Stress, WhatIsWrongWithATableIsToldOnce) {
  use("smtpd_command_filter = regexp:{ {/^FROB$$/} }\nsmtpd_reject_filter_maps = nosuch:x\n");
  EXPECT_EQ(told("no replacement text"), 1);
  EXPECT_EQ(told("unsupported dictionary type"), 1);
}

TEST_F(Stress, TablesOfItsOwnAreItsOwn) {
  use("smtpd_command_filter = static:${stress?{HELP}:{NOOP}}\n");
  const auto filtered = [&] { return shared_->settings().command_filter.replacement("A").value().value(); };
  EXPECT_EQ(filtered(), "NOOP");
  shared_->set_stressed(true);
  EXPECT_EQ(filtered(), "HELP");
}

}  // namespace
