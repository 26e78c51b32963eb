#include "postconf/names.h"

#include <algorithm>

#include "config/table_types.h"

namespace postconf {
namespace {

config::Settings settings(std::string_view main_cf) {
  return config::parse_main_cf(main_cf, "main.cf")->settings;
}

std::vector<ServiceEntry> services(std::string_view master_cf) {
  std::vector<ServiceEntry> entries;
  const auto file = config::parse_master_cf(master_cf, "master.cf");
  for (const config::ServiceLine& line : file->lines) entries.emplace_back(line);
  return entries;
}

TEST(Names, SettingsThatSomethingRefersToMeanSomething) {
  const auto set = settings("relayhost = $mine\nmine = $deeper\ndeeper = 1\nalone = 2\n");
  const std::vector<ServiceEntry> none;
  const Names names(set, none);
  EXPECT_EQ(names.class_of("relayhost"), NameClass::builtin);
  EXPECT_EQ(names.class_of("mine"), NameClass::user);
  EXPECT_EQ(names.class_of("deeper"), NameClass::user);
  EXPECT_FALSE(names.class_of("alone"));
  ASSERT_EQ(names.useless_in_main_cf("main.cf").size(), 1U);
  EXPECT_TRUE(names.useless_in_main_cf("main.cf")[0].text.starts_with("main.cf: unused parameter: alone=2"));
}

TEST(Names, AServiceBringsTheParametersOfItsProgram) {
  const auto set = settings("");
  const auto entries = services("up unix - - - - - pipe\ns unix - - - - - spawn\nd unix - - - - - discard\n");
  const Names names(set, entries);
  EXPECT_EQ(names.class_of("up_time_limit"), NameClass::service);
  EXPECT_EQ(names.class_of("up_recipient_limit"), NameClass::service);
  EXPECT_EQ(names.class_of("s_time_limit"), NameClass::service);
  EXPECT_FALSE(names.class_of("s_recipient_limit"));
  EXPECT_EQ(names.service_default("up_recipient_limit"), "$default_recipient_limit");
}

TEST(Names, AMistypedNameIsToldWithTheRightOne) {
  const auto set = settings("myhostnam = x\n");
  const std::vector<ServiceEntry> none;
  const auto told = Names(set, none).useless_in_main_cf("main.cf");
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].text, "main.cf: unused parameter: myhostnam=x; did you mean \"myhostname\"?");
}

TEST(Names, ReferencesInBothFilesAreChecked) {
  const auto set = settings("relayhost = $qqqq\nforward_path = $home\n");
  const auto entries = services("a unix - - - - - smtp -o relayhost=$zzzz\n");
  const auto told = Names(set, entries).undefined("main.cf", "master.cf");
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].text, "master.cf: undefined parameter: zzzz");
  EXPECT_EQ(told[1].text, "main.cf: undefined parameter: qqqq");
}

TEST(Names, OldTablesReadTheirSettingsFromMainCf) {
  const auto set = settings("transport_maps = proxy:ldap:src\nsrc_server_host = a\nsrc_nonsense = b\n");
  const std::vector<ServiceEntry> none;
  const Names names(set, none);
  EXPECT_EQ(names.class_of("src_server_host"), NameClass::user);
  EXPECT_FALSE(names.class_of("src_nonsense"));
}

TEST(Names, TableTypesAreSortedAndUnique) {
  EXPECT_TRUE(std::ranges::is_sorted(config::kTableTypes));
  EXPECT_EQ(std::ranges::adjacent_find(config::kTableTypes), config::kTableTypes.end());
}

}  // namespace
}  // namespace postconf
