#include "config/config.h"

namespace {

using Lines = std::vector<std::string>;

// "E text" for errors, "R place: text" for remarks.
Lines findings(std::string_view text, std::string_view program = {}) {
  auto config = config::Config::from_text(text, {.directory = "/etc/postfix", .process_name = "postfix"});
  if (!config) return {config.error().text};
  const auto found = config->check(program);
  Lines lines;
  for (const auto& error : found.errors) lines.push_back("E " + error.text);
  for (const auto& remark : found.remarks) lines.push_back("R " + remark.where.text() + ": " + remark.text);
  return lines;
}

TEST(Check, NothingIsWrongWithTheDefaults) {
  EXPECT_EQ(findings(""), Lines{});
}

TEST(Check, NothingIsWrongWithTheDefaultsOfNow) {
  EXPECT_EQ(findings("compatibility_level = 3.11\n"), Lines{});
}

TEST(Check, EverythingIsToldAtOnce) {
  EXPECT_EQ(findings("smtpd_helo_required = x\nqueue_directory =\nmydomain = ${\n"),
            (Lines{"E /etc/postfix/main.cf, line 1: smtpd_helo_required = x: must be yes or no",
                   "E /etc/postfix/main.cf, line 2: queue_directory = : must not be empty",
                   "E /etc/postfix/main.cf, line 3: mydomain = ${: truncated macro reference: \"${\""}));
}

TEST(Check, AProgramIsToldOnlyOfItsOwnParameters) {
  EXPECT_EQ(findings("smtpd_helo_required = x\n", "qmgr"), Lines{});
  EXPECT_EQ(findings("smtpd_helo_required = x\n", "smtpd").size(), 1U);
}

TEST(Check, ABadValueIsToldOnceHoweverManyDefaultsTakeIt) {
  EXPECT_EQ(findings("default_destination_concurrency_limit = many\n"),
            (Lines{"E /etc/postfix/main.cf, line 1: default_destination_concurrency_limit = many: must be a number"}));
}

TEST(Check, ABadCompatibilityLevelIsToldOnce) {
  EXPECT_EQ(
      findings("compatibility_level = 3.x\n"),
      (Lines{
          "E /etc/postfix/main.cf, line 1: compatibility_level = 3.x: malformed compatibility level syntax: \"3.x\""}));
}

TEST(Check, WhatOnlyPassesOnABadValueIsNotTold) {
  EXPECT_EQ(
      findings("smtpd_timeout = $mine\nmine = x\nmydomain = ${\nlmtp_host_lookup = $mydomain\n"),
      (Lines{
          "E /etc/postfix/main.cf, line 1: smtpd_timeout = $mine, that is \"x\": must be a time: a number and one of s "
          "m h d w from 1s to 2147483647s",
          "E /etc/postfix/main.cf, line 3: mydomain = ${: truncated macro reference: \"${\""}));
}

TEST(Check, OfACircleTheFirstIsTold) {
  EXPECT_EQ(findings("myorigin = $mydomain\nmydomain = $myorigin\n").size(), 1U);
}

TEST(Check, LongChainsOfNamesComeToAnEnd) {
  std::string text = "myorigin = $n0\n";
  for (int i = 0; i < 20000; ++i) text += "n" + std::to_string(i) + " = $n" + std::to_string(i + 1) + "\n";
  EXPECT_EQ(findings(text).size(), 1U);
}

TEST(Check, MembersOfFamiliesAreChecked) {
  EXPECT_EQ(findings("slow_destination_rate_delay = x\n").size(), 1U);
  EXPECT_EQ(findings("slow_destination_rate_delay = 3\n"), Lines{});
}

TEST(Check, UnknownNamesAreToldWithTheNearest) {
  EXPECT_EQ(findings("smtpd_recipent_limit = 5\nqqq = 1\n"),
            (Lines{"R /etc/postfix/main.cf, line 2: unused parameter: qqq=1",
                   "R /etc/postfix/main.cf, line 1: unused parameter: smtpd_recipent_limit=5; did you mean "
                   "\"smtpd_recipient_limit\"?"}));
}

TEST(Check, UnknownNamesMayBeErrors) {
  EXPECT_EQ(findings("strict_parameter_names = yes\nqqq = 1\n"),
            (Lines{"E /etc/postfix/main.cf, line 2: unused parameter: qqq=1"}));
}

TEST(Check, NamesThatValuesReferToAreFine) {
  EXPECT_EQ(findings("one = $two\ntwo = x\nrelay_domains = ${three?{$one}}\nthree = y\n"), Lines{});
}

TEST(Check, NamesThatOnlyUnusedOnesReferToAreNot) {
  EXPECT_EQ(findings("one = $two\ntwo = x\n").size(), 2U);
  EXPECT_EQ(findings("one = $two\ntwo = $one\n").size(), 2U);
}

TEST(Check, RestrictionClassesAreFine) {
  EXPECT_EQ(
      findings("smtpd_restriction_classes = local_only, $more\nmore = other\nlocal_only = reject\nother = permit\n"),
      Lines{});
}

TEST(Check, SettingsOfTablesOfTheOldFormAreFine) {
  EXPECT_EQ(findings("virtual_alias_maps = proxy:ldap:people hash:/x\npeople_server_host = a\npeople_bind = no\n"),
            Lines{});
  EXPECT_EQ(findings("virtual_alias_maps = ldap:/etc/people.cf\npeople_server_host = a\n").size(), 1U);
}

TEST(Check, ObsoleteNamesComeWithAdvice) {
  EXPECT_EQ(findings("virtual_maps = hash:/x\n"),
            (Lines{"R /etc/postfix/main.cf, line 1: parameter \"virtual_maps\" is obsolete; instead, specify "
                   "\"virtual_alias_maps\""}));
}

TEST(Check, NamesOnTheirWayOutComeWithAdvice) {
  EXPECT_EQ(
      findings("smtpd_use_tls = yes\n"),
      (Lines{
          "R /etc/postfix/main.cf, line 1: support for parameter \"smtpd_use_tls\" will be removed; instead, specify "
          "\"smtpd_tls_security_level\""}));
}

TEST(Check, WhoAsksForWhatNoProgramDoesYetIsTold) {
  EXPECT_EQ(findings("smtpd_milters = inet:127.0.0.1:9\n"),
            Lines{"R /etc/postfix/main.cf, line 1: parameter smtpd_milters is not served yet: mail is taken without "
                  "asking a milter"});
  EXPECT_EQ(findings("smtpd_milters =\nnested_header_checks = $header_checks\nforce_mime_input_conversion = no\n"),
            Lines{});
  EXPECT_EQ(findings("mailbox_command = /bin/sort-mail \"$EXTENSION\"\n").size(), 1U);
}

}  // namespace
