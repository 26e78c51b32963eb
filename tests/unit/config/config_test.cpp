#include "config/config.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "base/file.h"
#include "config/param.h"
#include "config/registry.h"

namespace {

namespace param = config::param;
using config::Config;

Config from(std::string_view text,
            const config::Source& source = {.directory = "/etc/postfix", .process_name = "smtpd"}) {
  auto config = Config::from_text(text, source);
  EXPECT_TRUE(config) << config.error().text;
  return std::move(*config);
}

template <typename Key>
std::string error_of(std::string_view text, Key key) {
  try {
    static_cast<void>(from(text)[key]);
    return "no error";
  } catch (const config::BadValue& bad) {
    return bad.what();
  }
}

TEST(Config, ValuesHaveTheirTypes) {
  const Config config = from(
      "smtpd_recipient_limit = 7\nsmtpd_timeout = 2m\nsmtpd_helo_required = YES\nmyorigin = $mydomain\n"
      "mydomain = example.com\nmessage_size_limit = 5000000000\n");
  EXPECT_EQ(config[param::smtpd_recipient_limit], 7);
  EXPECT_EQ(config[param::smtpd_timeout], std::chrono::seconds(120));
  EXPECT_TRUE(config[param::smtpd_helo_required]);
  EXPECT_EQ(config[param::myorigin], "example.com");
  EXPECT_EQ(config[param::message_size_limit], 5000000000);
}

TEST(Config, WhatIsNotSetHasItsDefault) {
  const Config config = from("");
  EXPECT_EQ(config[param::smtpd_recipient_limit], 1000);
  EXPECT_EQ(config[param::smtpd_timeout], std::chrono::seconds(300));
  EXPECT_FALSE(config[param::smtpd_helo_required]);
  EXPECT_EQ(config[param::n2bounce_notice_recipient], "postmaster");
  EXPECT_EQ(config[param::maximal_queue_lifetime], std::chrono::days(5));
}

TEST(Config, ATimeWithoutAUnitCountsInTheParametersOwn) {
  const Config config = from("maximal_queue_lifetime = 2\nsmtpd_timeout = 7\ndelay_warning_time = 4\n");
  EXPECT_EQ(config[param::maximal_queue_lifetime], std::chrono::days(2));
  EXPECT_EQ(config[param::smtpd_timeout], std::chrono::seconds(7));
  EXPECT_EQ(config[param::delay_warning_time], std::chrono::hours(4));
}

TEST(Config, StressShortensTimeouts) {
  const Config config = from("", {.overrides = {{"stress", "yes"}}});
  EXPECT_EQ(config[param::smtpd_timeout], std::chrono::seconds(10));
}

TEST(Config, TheCompatibilityLevelSwitchesDefaults) {
  EXPECT_EQ(from("")[param::mynetworks_style], "subnet");
  EXPECT_EQ(from("compatibility_level = 3.6\n")[param::mynetworks_style], "host");
  EXPECT_EQ(from("compatibility_level = 3.6\n")[param::smtp_tls_security_level], "");
  EXPECT_EQ(from("compatibility_level = 3.11\n")[param::smtp_tls_security_level], "may");
}

TEST(Config, RawParametersAreNotExpanded) {
  EXPECT_EQ(from("mailbox_command = /bin/x $USER\n")[param::mailbox_command], "/bin/x $USER");
}

TEST(Config, ObsoleteNamesStillFeedTheOnesThatReplacedThem) {
  const Config config = from("virtual_maps = hash:/x\npostscreen_blacklist_action = drop\nfallback_relay = [a]\n");
  EXPECT_EQ(config[param::virtual_alias_maps], "hash:/x");
  EXPECT_EQ(config[param::postscreen_denylist_action], "drop");
  EXPECT_EQ(config[param::smtp_fallback_relay], "[a]");
  EXPECT_EQ(from("")[param::postscreen_denylist_action], "ignore");
  EXPECT_EQ(from("").raw("virtual_maps"), std::nullopt);
}

TEST(ConfigErrors, NamePlaceValueAndWhatIsAllowed) {
  EXPECT_EQ(error_of("# x\nsmtpd_recipient_limit = 0\n", param::smtpd_recipient_limit),
            "/etc/postfix/main.cf, line 2: smtpd_recipient_limit = 0: must be a number from 1 to 2147483647");
  EXPECT_EQ(error_of("smtpd_recipient_limit = 2k\n", param::smtpd_recipient_limit),
            "/etc/postfix/main.cf, line 1: smtpd_recipient_limit = 2k: must be a number from 1 to 2147483647");
  EXPECT_EQ(error_of("smtpd_helo_required = maybe\n", param::smtpd_helo_required),
            "/etc/postfix/main.cf, line 1: smtpd_helo_required = maybe: must be yes or no");
  EXPECT_EQ(error_of("smtpd_timeout = 5y\n", param::smtpd_timeout),
            "/etc/postfix/main.cf, line 1: smtpd_timeout = 5y: must be a time: a number and one of s m h d w from 1s "
            "to 2147483647s");
  EXPECT_EQ(error_of("smtpd_timeout = 0\n", param::smtpd_timeout),
            "/etc/postfix/main.cf, line 1: smtpd_timeout = 0: must be a time from 1s to 2147483647s");
  EXPECT_EQ(error_of("queue_directory =\n", param::queue_directory),
            "/etc/postfix/main.cf, line 1: queue_directory = : must not be empty");
  EXPECT_EQ(error_of("message_size_limit = 99999999999999999999\n", param::message_size_limit).substr(0, 82),
            "/etc/postfix/main.cf, line 1: message_size_limit = 99999999999999999999: must be a");
}

TEST(ConfigErrors, AnExpressionIsShownWithItsResult) {
  EXPECT_EQ(
      error_of("n = x\nsmtpd_recipient_limit = $n\n", param::smtpd_recipient_limit),
      "/etc/postfix/main.cf, line 2: smtpd_recipient_limit = $n, that is \"x\": must be a number from 1 to 2147483647");
  EXPECT_EQ(
      error_of("default_database_type = $loop\nloop = $loop\n", param::alias_maps),
      "/etc/postfix/main.cf: alias_maps = $default_database_type:/etc/aliases (the default): unreasonable macro call "
      "nesting: \"loop\"");
  EXPECT_EQ(error_of("myorigin = ${x\n", param::myorigin),
            "/etc/postfix/main.cf, line 1: myorigin = ${x: truncated macro reference: \"${x\"");
}

TEST(ConfigErrors, AnOverrideIsToldFromALine) {
  const Config config = from("smtpd_recipient_limit = 5\n", {.overrides = {{"smtpd_recipient_limit", "no"}}});
  try {
    static_cast<void>(config[param::smtpd_recipient_limit]);
    FAIL();
  } catch (const config::BadValue& bad) {
    EXPECT_TRUE(std::string(bad.what()).starts_with("-o: smtpd_recipient_limit = no: must be a number")) << bad.what();
  }
}

TEST(ConfigNames, LookUpsByNameSeeSetAndKnownNames) {
  const Config config = from("mine = $mydomain\nmydomain = a.b\n");
  EXPECT_EQ(config.raw("mine"), "$mydomain");
  EXPECT_EQ(config.value("mine"), "a.b");
  EXPECT_EQ(config.value("nosuch"), std::nullopt);
  EXPECT_EQ(config.default_of("mine"), std::nullopt);
  EXPECT_EQ(config.raw("relay_domains"), "${{$compatibility_level} <level {2} ? {$mydestination} : {}}");
  EXPECT_EQ(*config.expand("<$mine>"), "<a.b>");
  EXPECT_FALSE(config.expand("${"));
}

TEST(ConfigNames, FamiliesFallBackToTheirDefaults) {
  const Config config = from("slow_destination_rate_delay = 1m\ndefault_destination_concurrency_limit = 9\n");
  EXPECT_EQ(config.time_of("slow", param::family::destination_rate_delay), std::chrono::minutes(1));
  EXPECT_EQ(config.time_of("fast", param::family::destination_rate_delay), std::chrono::seconds(0));
  EXPECT_EQ(config.integer_of("smtp", param::family::destination_concurrency_limit), 9);
  EXPECT_EQ(config.integer_of("local", param::family::destination_concurrency_limit), 2);
  EXPECT_EQ(config.text_of("x", param::family::destination_concurrency_positive_feedback), "1");
  EXPECT_EQ(config.raw("x_extra_recipient_limit"), "$default_extra_recipient_limit");
}

TEST(ConfigNames, AFamilyMembersErrorNamesIt) {
  const Config config = from("slow_destination_rate_delay = soon\n");
  EXPECT_THROW(static_cast<void>(config.time_of("slow", param::family::destination_rate_delay)), config::BadValue);
}

TEST(ConfigComputed, TheProgramsOwnNamesCannotBeSet) {
  const Config config = from("process_name = x\nservice_name = y\n",
                             {.directory = "/d", .process_name = "smtpd", .service_name = "smtp"});
  EXPECT_EQ(config[param::process_name], "smtpd");
  EXPECT_EQ(config[param::service_name], "smtp");
  EXPECT_EQ(config[param::process_id], std::to_string(::getpid()));
  EXPECT_FALSE(config.settings().contains("process_name"));
  EXPECT_EQ(config.remarks()[0].text, "read-only parameter assignment: process_name=x");
  EXPECT_EQ(config.remarks()[0].where.text(), "/d/main.cf, line 1");
}

TEST(ConfigComputed, TheDomainIsTheHostNameLessItsFirstLabel) {
  EXPECT_EQ(from("myhostname = a.b.c\n")[param::mydomain], "b.c");
  EXPECT_EQ(from("myhostname = a\n")[param::mydomain], "localdomain");
  EXPECT_EQ(from("myhostname = a.\n").value("mydomain"), "");
}

TEST(ConfigComputed, AHostNameWithoutADotGetsTheDomain) {
  char name[256] = {};
  ASSERT_EQ(::gethostname(name, sizeof name - 1), 0);
  if (std::string_view(name).contains('.')) GTEST_SKIP() << "this machine's name has a dot";
  EXPECT_EQ(from("mydomain = example.com\n")[param::myhostname], std::string(name) + ".example.com");
  EXPECT_EQ(from("")[param::myhostname], std::string(name) + ".localdomain");
  // As postconf -d: whatever main.cf says.
  EXPECT_EQ(from("mydomain = example.com\n").default_of("myhostname"), std::string(name) + ".localdomain");
}

TEST(ConfigComputed, NetworksFollowTheStyle) {
  EXPECT_EQ(from("inet_interfaces = 127.0.0.1\ncompatibility_level = 2\n")[param::mynetworks], "127.0.0.1/32");
  EXPECT_TRUE(
      error_of("mynetworks_style = foo\n", param::mynetworks).contains("unknown mynetworks_style value \"foo\""));
}

TEST(ConfigDirectory, IsASettingWhenItIsNotTheBuiltInOne) {
  const Config elsewhere = from("", {.directory = "/elsewhere"});
  EXPECT_EQ(elsewhere[param::config_directory], "/elsewhere");
  EXPECT_TRUE(elsewhere.settings().contains("config_directory"));
  EXPECT_EQ(elsewhere.default_of("config_directory"), "/etc/postfix");
  EXPECT_FALSE(from("", {.directory = "/etc/postfix"}).settings().contains("config_directory"));
}

TEST(ConfigDirectory, MainCfOverridesItWithARemark) {
  const Config config = from("config_directory = /x\n", {.directory = "/elsewhere"});
  EXPECT_EQ(config[param::config_directory], "/x");
  EXPECT_EQ(config.directory(), "/elsewhere");
  EXPECT_EQ(config.remarks()[0].text, "overriding earlier entry: config_directory=/elsewhere");
}

TEST(ConfigDirectory, ComesFromTheOptionThenTheEnvironmentThenTheBuild) {
  ::setenv("MAIL_CONFIG", "/from/environment", 1);
  EXPECT_EQ(config::choose_directory("/from/option"), "/from/option");
  EXPECT_EQ(config::choose_directory(""), "/from/environment");
  ::unsetenv("MAIL_CONFIG");
  EXPECT_EQ(config::choose_directory(""), "/etc/postfix");
}

TEST(ConfigLoad, AMissingFileIsAnErrorUnlessItMayBeAbsent) {
  EXPECT_EQ(Config::load({.directory = "/nosuch"}).error().text, "open /nosuch/main.cf: No such file or directory");
  EXPECT_TRUE(Config::load({.directory = "/nosuch", .main_cf_may_be_absent = true}));
}

TEST(ConfigLoad, AProgramWithMoreRightsThanItsCallerTakesNoStrangeDirectory) {
  if (::getuid() != 0) GTEST_SKIP() << "needs root, to have rights to give up";
  const pid_t child = ::fork();
  if (child == 0) {
    const bool lowered = ::setresgid(65534, 8, 8) == 0 && ::setresuid(65534, 65534, 65534) == 0;
    ::_exit(lowered && !Config::load({.directory = "/tmp", .main_cf_may_be_absent = true}) ? 0 : 1);
  }
  int status = 1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(ConfigLoad, ReadsTheFile) {
  char directory[] = "/tmp/config_test_XXXXXX";
  ASSERT_NE(::mkdtemp(directory), nullptr);
  const std::string path = std::string(directory) + "/main.cf";
  std::ofstream(path) << "myorigin = a.b\n";
  const auto config = Config::load({.directory = directory, .overrides = {{"myhostname", "c.d"}}});
  ::unlink(path.c_str());
  ::rmdir(directory);
  EXPECT_EQ((*config)[param::myorigin], "a.b");
  EXPECT_EQ((*config)[param::mydomain], "d");
}

// The domain that a main.cf with `myorigin = <a file with this content>` means, or what is wrong with it.
std::string origin_in(std::string_view content) {
  char path[] = "/tmp/config_test_XXXXXX";
  const base::Fd fd(::mkstemp(path));
  EXPECT_TRUE(base::write_fully(fd.get(), content, path));
  std::string origin;
  try {
    const Config config = from("myorigin = " + std::string(path) + "\nmydestination = $myorigin\n");
    origin = config[param::myorigin];
    EXPECT_EQ(config[param::mydestination], path);
    EXPECT_EQ(config.value("myorigin"), path);
  } catch (const config::BadValue& bad) {
    origin = bad.what();
    const auto at = origin.find("one: ");
    origin = at == std::string::npos ? origin : origin.substr(at + 5);
    if (const auto name = origin.find(path); name != std::string::npos) origin.replace(name, std::strlen(path), "FILE");
  }
  ::unlink(path);
  return origin;
}

TEST(ConfigOrigin, MayBeTheFirstLineOfAFile) {
  EXPECT_EQ(origin_in("a.example\n"), "a.example");
  EXPECT_EQ(origin_in("a.example"), "a.example");
  EXPECT_EQ(origin_in("  a.example \r\nb.example\n"), "a.example");
  EXPECT_EQ(origin_in("$mydomain\n"), "$mydomain");
  EXPECT_EQ(origin_in("/etc/hostname\n"), "/etc/hostname");
}

TEST(ConfigOrigin, IsOneName) {
  EXPECT_EQ(origin_in(""), "FILE has none in its first line");
  EXPECT_EQ(origin_in(" \na.example\n"), "FILE has none in its first line");
  EXPECT_EQ(origin_in("# mine\na.example\n"), "\"# mine\" in FILE is several");
  EXPECT_EQ(origin_in("a.example,b.example\n"), "\"a.example,b.example\" in FILE is several");
  EXPECT_EQ(origin_in(std::string_view("a\0b\n", 4)), "FILE has a NUL byte");
  EXPECT_EQ(
      error_of("myorigin = a b\n", param::myorigin),
      "/etc/postfix/main.cf, line 1: myorigin = a b: must be one domain name, or a file with one: \"a b\" is several");
}

// Daemons leave its folder behind when they change root.
TEST(ConfigOrigin, IsReadWithMainCfHoweverTheFileIsNamed) {
  char directory[] = "/tmp/origin-XXXXXX";
  ASSERT_NE(::mkdtemp(directory), nullptr);
  const std::string main_cf = std::string(directory) + "/main.cf";
  const std::string name = std::string(directory) + "/mailname";
  std::ofstream(main_cf) << "folder = " << directory << "\nname_file = $folder/mailname\nmyorigin = $name_file\n";
  std::ofstream(name) << "a.example\n";
  const auto config = Config::load({.directory = directory, .overrides = {}});
  ::unlink(name.c_str());
  ::unlink(main_cf.c_str());
  ::rmdir(directory);
  ASSERT_TRUE(config) << config.error().text;
  EXPECT_EQ((*config)[param::myorigin], "a.example");
}

TEST(ConfigOrigin, AFileThatIsNotThereIsToldWithTheLine) {
  const std::string text = "myorigin = /nonexistent/mailname\n";
  const std::string expected =
      "/etc/postfix/main.cf, line 1: myorigin = /nonexistent/mailname: must be one domain name, or a file with one: "
      "open /nonexistent/mailname: No such file or directory";
  EXPECT_EQ(error_of(text, param::myorigin), expected);
  const auto findings = from(text).check("cleanup");
  ASSERT_EQ(findings.errors.size(), 1U);
  EXPECT_EQ(findings.errors.front().text, expected);
}

TEST(ConfigEnvironment, OnlyWhatIsImportedStays) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("TZ", "UTC", 1);
    ::setenv("LD_BIND_NOW", "1", 1);
    ::unsetenv("DISPLAY");
    from("import_environment = TZ, DISPLAY LANG=C { A = b c } X=$mydomain\nmydomain = m\n").import_environment();
    const bool fine = ::getenv("LD_BIND_NOW") == nullptr && ::getenv("DISPLAY") == nullptr &&
                      std::string(::getenv("TZ")) == "UTC" && std::string(::getenv("LANG")) == "C" &&
                      std::string(::getenv("A")) == "b c" && std::string(::getenv("X")) == "m" &&
                      ::getenv("HOME") == nullptr;
    ::_exit(fine ? 0 : 1);
  }
  int status = 1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(ConfigComputed, ADefaultHasNoValueInsideItsOwnComputation) {
  auto config = config::Config::from_text("mydomain = ${myhostname?x}\nrelayhost = a.$mydomain\n");
  ASSERT_TRUE(config);
  EXPECT_TRUE(config->value("myhostname")->find("localdomain") == std::string::npos);
  EXPECT_EQ(config->value("relayhost"), "a.x");

  auto host = config::Config::from_text("myhostname = a.${mydomain}\n");
  EXPECT_EQ(host->value("myhostname"), "a.");
  EXPECT_EQ(host->value("mydomain"), "");

  EXPECT_EQ(from("inet_interfaces = $mynetworks\n")[param::mynetworks], "");
}

}  // namespace
