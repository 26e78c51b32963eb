// What `postfix check` says of the SMTP server.
#include "postfix/smtp_server_check.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace postfix {
namespace {

Mistakes mistakes(std::string_view settings) {
  const auto config = config::Config::from_text(
                          fmt::format("myhostname = mx.example.test\nmydestination =\ninet_interfaces = loopback-only\n"
                                      "local_recipient_maps =\nalias_maps =\ncompatibility_level = 3.6\n{}",
                                      settings))
                          .value();
  return mistakes_of_smtp_server(config);
}

bool says(const std::vector<std::string>& texts, std::string_view part) {
  for (const std::string& text : texts) {
    if (text.contains(part)) return true;
  }
  return false;
}

TEST(SmtpServer, WithUsualSettingsIsFine) {
  const Mistakes found = mistakes("");
  EXPECT_EQ(found.errors, std::vector<std::string>{});
  EXPECT_EQ(found.warnings, std::vector<std::string>{});
}

TEST(SmtpServer, KnowsItsWords) {
  EXPECT_TRUE(says(mistakes("smtpd_forbid_bare_newline = normalise\n").errors,
                   "line 7: parameter smtpd_forbid_bare_newline: unknown word \"normalise\"; did you mean "
                   "\"normalize\"?"));
  EXPECT_TRUE(says(mistakes("receive_override_options = no_milter\n").errors, "did you mean \"no_milters\"?"));
  EXPECT_TRUE(says(mistakes("smtpd_upstream_proxy_protocol = x\n").errors, "unknown word \"x\"; use haproxy"));
  EXPECT_TRUE(says(mistakes("smtpd_discard_ehlo_keywords = chunking, pipeline\n").errors, "\"pipeline\""));
  EXPECT_TRUE(says(mistakes("smtpd_sasl_auth_enable = yes\nsmtpd_sasl_security_options = noanonymus\n").errors,
                   "did you mean \"noanonymous\"?"));
}

TEST(SmtpServer, TellsOfRestrictionsAndTls) {
  EXPECT_TRUE(says(mistakes("smtpd_client_restrictions = rejct\n").errors, "rejct"));
  EXPECT_TRUE(says(mistakes("smtpd_tls_security_level = mya\n").errors, "mya"));
}

TEST(SmtpServer, ThatNobodyCanLogInToIsNotMeant) {
  constexpr std::string_view kNeedsTls = "smtpd_sasl_auth_enable = yes\nsmtpd_tls_auth_only = yes\n";
  EXPECT_TRUE(says(mistakes(kNeedsTls).warnings, "nobody can log in"));
  EXPECT_FALSE(says(mistakes(fmt::format("{}smtpd_tls_security_level = may\n", kNeedsTls)).warnings, "log in"));
}

TEST(SmtpServer, ThatAnybodyMayPoseToIsNotMeant) {
  EXPECT_TRUE(says(mistakes("smtpd_authorized_xclient_hosts = 0.0.0.0/0\n").warnings, "any host may pose"));
  EXPECT_FALSE(says(mistakes("smtpd_authorized_xclient_hosts = 192.0.2.0/24\n").warnings, "pose"));
}

TEST(References, MustLeadSomewhere) {
  const auto config = config::Config::from_text("mine = x\n").value();
  using Names = std::vector<std::string>;
  EXPECT_EQ(undefined_names("$myhostname $mine ${nothing} $nothing $(else) $$x", config), (Names{"nothing", "else"}));
  EXPECT_EQ(undefined_names("$theirs", config, {"theirs"}), Names{});
  EXPECT_EQ(undefined_names("${maybe?{a}:{b}} ${maybe:c}", config), Names{});
  EXPECT_EQ(undefined_names("$smtp_destination_recipient_limit $process_name", config), Names{});
}

}  // namespace
}  // namespace postfix
