#include "master/plan.h"

#include <fmt/format.h>

#include <set>

namespace {

using WhyNot = master::ServicePlan::WhyNot;

struct Planned {
  std::vector<master::ServicePlan> services;
  master::Findings findings;
};

struct World {
  std::string disabled = {};
  bool rootless = false;
  std::set<std::string> absent = {};
};

Planned plan(const std::string& text, const World& world = {}) {
  const auto file = config::parse_master_cf(text, "master.cf");
  EXPECT_TRUE(file) << file.error().text;
  master::Surroundings surroundings;
  surroundings.network.inet_protocols = "ipv4";
  surroundings.daemon_directory = "/libexec";
  surroundings.disabled = world.disabled;
  surroundings.rootless = world.rootless;
  surroundings.defaults = {100, false};
  surroundings.is_program = [&world](const std::string& path) { return !world.absent.contains(path); };
  Planned result;
  result.services = master::plan_services(*file, surroundings, result.findings);
  return result;
}

TEST(Plan, AServiceHasItsProgramWordsAndPlaces) {
  const auto planned = plan("10025 inet n - n - 10 smtpd -o a=b -o { c = d e } last\n");
  ASSERT_EQ(planned.services.size(), 1u);
  const auto& service = planned.services[0];
  EXPECT_EQ(service.key(), "10025/inet");
  EXPECT_EQ(service.program_path, "/libexec/smtpd");
  EXPECT_EQ(service.words, (std::vector<std::string>{"-o", "a=b", "-o", "c = d e", "last"}));
  ASSERT_EQ(service.endpoints.size(), 1u);
  EXPECT_EQ(service.endpoints[0].text(), "0.0.0.0:10025");
  EXPECT_EQ(service.display_name(), "\"10025\" (10025)");
}

TEST(Plan, AllMistakesAreFoundAtOnceWithTheirLines) {
  const auto planned =
      plan("a inet n - n - 1 x\n70000 inet n - n - 1 x\n../up unix - - n - 1 x\ngood unix - - n - 1 x\n");
  ASSERT_EQ(planned.findings.errors.size(), 3u);
  EXPECT_TRUE(planned.findings.errors[0].starts_with("master.cf, line 1: service a/inet: unknown service name \"a\""));
  EXPECT_TRUE(planned.findings.errors[1].starts_with("master.cf, line 2: service 70000/inet: bad port"));
  EXPECT_TRUE(planned.findings.errors[2].starts_with("master.cf, line 3: bad service name \"../up\""));
}

TEST(Plan, TwoServicesAtOnePlaceAreAMistake) {
  const auto planned = plan("25 inet n - n - 1 smtpd\n0.0.0.0:25 inet n - n - 1 other\n");
  ASSERT_EQ(planned.findings.errors.size(), 1u);
  EXPECT_EQ(
      planned.findings.errors[0],
      "master.cf, line 2: service 0.0.0.0:25/inet listens at 0.0.0.0:25, where service 25/inet of line 1 does already");
}

TEST(Plan, ASocketAndAFifoOfOneNameAreAMistakeToo) {
  EXPECT_EQ(plan("q unix n - n - 1 x\nq fifo n - n - 1 x\n").findings.errors.size(), 1u);
  EXPECT_TRUE(plan("q unix n - n - 1 x\nq unix-dgram - - n - 1 x\n").findings.errors.empty());
}

TEST(Plan, WhatIsDoneElsewhereNeedsNoProcess) {
  const auto planned = plan("rewrite unix - - n - - trivial-rewrite\nscache unix - - n - 1 scache\n",
                            {.absent = {"/libexec/trivial-rewrite", "/libexec/scache"}});
  for (const auto& service : planned.services) {
    EXPECT_EQ(service.why_not, WhyNot::needs_no_process);
    EXPECT_TRUE(service.endpoints.empty());
  }
  EXPECT_TRUE(planned.findings.errors.empty());
  EXPECT_TRUE(planned.findings.notes.empty());
}

TEST(Plan, AMissingProgramCostsItsServiceOnly) {
  const auto planned = plan("a unix - - n - - absent\nb unix - - n - - present\n", {.absent = {"/libexec/absent"}});
  EXPECT_EQ(planned.services[0].why_not, WhyNot::no_program);
  EXPECT_TRUE(planned.services[0].endpoints.empty());
  EXPECT_EQ(planned.services[1].why_not, WhyNot::is_offered);
  EXPECT_EQ(planned.findings.notes,
            (std::vector<std::string>{
                "master.cf, line 1: service a/unix is not offered: there is no program /libexec/absent"}));
}

TEST(Plan, AMissingProgramIsToldOfOnceForAllItsServices) {
  const auto planned = plan("a unix - - n - - absent\nb unix - - n - - gone\nc unix - - n - - absent\n",
                            {.absent = {"/libexec/absent", "/libexec/gone"}});
  EXPECT_EQ(planned.findings.notes,
            (std::vector<std::string>{
                "master.cf, line 1: services a/unix, c/unix are not offered: there is no program /libexec/absent",
                "master.cf, line 2: service b/unix is not offered: there is no program /libexec/gone"}));
}

TEST(Plan, AnOrdinaryUserIsToldOnceThatNothingIsChrooted) {
  const auto planned = plan("a unix - - y - - x\nb unix - - y - - x\n", {.rootless = true});
  EXPECT_EQ(planned.findings.notes.size(), 1u);
  for (const auto& service : planned.services) EXPECT_FALSE(service.service.chroot);
}

TEST(Plan, TheLastOfTwoLinesCounts) {
  const auto planned = plan("a unix - - n - - one\na unix - - n - - two\n");
  ASSERT_EQ(planned.services.size(), 1u);
  EXPECT_EQ(planned.services[0].service.program, "two");
  EXPECT_EQ(planned.findings.warnings.size(), 1u);
}

TEST(Plan, OnlyWhatSpoilsItselfIsSolitary) {
  const auto planned = plan("qmgr unix n - n 300 1 qmgr\n25 inet n - n - 1 smtpd\ncleanup unix n - n - 0 cleanup\n");
  EXPECT_TRUE(planned.services[0].is_solitary());
  EXPECT_FALSE(planned.services[1].is_solitary());
  EXPECT_FALSE(planned.services[2].is_solitary());
}

TEST(Plan, ThePostlogServiceIsTheOneThatProgramsLookFor) {
  const auto is_postlog = [](const std::string& line) {
    const auto planned = plan(line + "\n");
    return planned.services.size() == 1 && planned.services[0].is_postlog;
  };
  EXPECT_TRUE(is_postlog("postlog unix-dgram n - n - 1 postlogd"));
  EXPECT_FALSE(is_postlog("other unix-dgram n - n - 1 postlogd"));
  EXPECT_FALSE(is_postlog("postlog unix-dgram - - n - 1 postlogd")) << "in private/";
  EXPECT_FALSE(is_postlog("postlog unix n - n - 1 postlogd"));
  EXPECT_FALSE(is_postlog("postlog unix-dgram n - n - 2 postlogd")) << "it takes the pipe for itself";
  EXPECT_FALSE(is_postlog("postlog unix-dgram n - n - 1 mylogd"));
  EXPECT_FALSE(
      plan("postlog unix-dgram n - n - 1 postlogd\n", {.absent = {"/libexec/postlogd"}}).services[0].is_postlog);
}

TEST(Disabled, TheFirstMatchDecides) {
  const auto service = [](std::string name, config::ServiceType type) {
    config::Service made{};
    made.name = std::move(name);
    made.type = type;
    return made;
  };
  using config::ServiceType;
  EXPECT_TRUE(master::is_disabled("inet", service("smtp", ServiceType::inet)));
  EXPECT_FALSE(master::is_disabled("inet", service("smtp", ServiceType::unix_stream)));
  EXPECT_TRUE(master::is_disabled("smtp/inet", service("smtp", ServiceType::inet)));
  EXPECT_FALSE(master::is_disabled("!submission/inet, inet", service("submission", ServiceType::inet)));
  EXPECT_TRUE(master::is_disabled("!submission/inet, inet", service("smtp", ServiceType::inet)));
  EXPECT_FALSE(master::is_disabled("", service("smtp", ServiceType::inet)));
}

TEST(Disabled, ADisabledServiceHasNoPlaces) {
  const auto planned = plan("25 inet n - n - 1 smtpd\n", {.disabled = "inet"});
  EXPECT_EQ(planned.services[0].why_not, WhyNot::disabled);
  EXPECT_TRUE(planned.services[0].endpoints.empty());
}

}  // namespace
