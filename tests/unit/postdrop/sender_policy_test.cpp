#include "postdrop/sender_policy.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "logging/log.h"

namespace postdrop {
namespace {

config::Config config_with(std::string_view settings) {
  auto config = config::Config::from_text("myhostname = mx.fmt.test\n" + std::string(settings));
  if (!config) throw std::runtime_error(config.error().text);
  return std::move(*config);
}

const Login kJane{"jane", "jane", 1001};  // NOLINT: cannot throw in practice

bool allows(std::string_view patterns, std::string_view sender) {
  const auto config = config_with(
      fmt::format("recipient_delimiter = +\nlocal_login_sender_maps = inline:{{ {{jane={}}} }}\n", patterns));
  return SenderPolicy(config).allows(kJane, sender).value();
}

TEST(SenderPolicy, AllowsAnythingByDefault) {
  const auto config = config_with("");
  EXPECT_TRUE(SenderPolicy(config).allows(kJane, "any@where").value());
  EXPECT_TRUE(SenderPolicy(config).allows(kJane, "").value());
}

TEST(SenderPolicy, ComparesAddressesWithoutCase) {
  EXPECT_TRUE(allows("jane@x, j@y", "JANE@X"));
  EXPECT_TRUE(allows("jane@x, j@y", "j@y"));
  EXPECT_FALSE(allows("jane@x, j@y", "j@x"));
  EXPECT_TRUE(allows("plain", "plain"));
}

TEST(SenderPolicy, OverlooksExtensionsOfSenders) {
  EXPECT_TRUE(allows("jane@x", "jane+list@x"));
  EXPECT_FALSE(allows("jane+list@x", "jane+list@x"));
}

TEST(SenderPolicy, HasWildcards) {
  EXPECT_TRUE(allows("@Dom.test", "a+b@dom.TEST"));
  EXPECT_FALSE(allows("@dom.test", "a@sub.dom.test"));
  EXPECT_FALSE(allows("@dom.test", "dom.test"));
  EXPECT_TRUE(allows("*", "anything"));
}

TEST(SenderPolicy, TheNullSenderNeedsItsPattern) {
  EXPECT_TRUE(allows("<>", ""));
  EXPECT_FALSE(allows("jane@x", ""));
  EXPECT_TRUE(allows("*", ""));
}

TEST(SenderPolicy, AnUnlistedLoginMaySendAsNobody) {
  const auto config = config_with("local_login_sender_maps = inline:{ {other=*} }\n");
  EXPECT_FALSE(SenderPolicy(config).allows(kJane, "jane@x").value());
}

TEST(SenderPolicy, ATableThatCannotTellIsNoYes) {
  logging::Capture quiet;
  const auto config = config_with("local_login_sender_maps = fail:x\n");
  EXPECT_FALSE(SenderPolicy(config).allows(kJane, "jane@x"));
}

TEST(Login, WithoutAnAccountHasItsNumberForAKey) {
  const Login login = login_of(4000000123);
  EXPECT_EQ(login.name, "unknown");
  EXPECT_EQ(login.key, "uid:4000000123");
}

TEST(Submitters, AreThoseListed) {
  EXPECT_TRUE(may_submit(config_with(""), kJane));
  EXPECT_FALSE(may_submit(config_with("authorized_submit_users = !jane, static:all\n"), kJane));
  EXPECT_FALSE(may_submit(config_with("authorized_submit_users =\n"), kJane));
  EXPECT_TRUE(may_submit(config_with("authorized_submit_users = jane\n"), kJane));
  EXPECT_THROW(may_submit(config_with("authorized_submit_users = fail:x\n"), kJane), base::Fatal);
}

}  // namespace
}  // namespace postdrop
