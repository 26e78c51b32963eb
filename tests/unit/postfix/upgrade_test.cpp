#include "postfix/upgrade.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "config/master_cf.h"

namespace {

std::string stock() {
  std::stringstream text;
  text << std::ifstream(POSTRIDER_SOURCE_DIR "/conf/master.cf").rdbuf();
  return text.str();
}

TEST(Upgrade, TheStockFileLacksNothing) {
  const auto missing = postfix::missing_services(stock(), "master.cf");
  ASSERT_TRUE(missing);
  EXPECT_EQ(*missing, std::vector<std::string>{});
}

TEST(Upgrade, WhatIsMissingIsAddedInTheFormOfTheFile) {
  const auto missing = postfix::missing_services("pickup fifo n - n 60 1 pickup\n", "master.cf");
  ASSERT_TRUE(missing);
  EXPECT_FALSE(std::ranges::any_of(*missing, [](const auto& line) { return line.starts_with("pickup "); }));
  EXPECT_TRUE(std::ranges::any_of(*missing, [](const auto& line) { return line.starts_with("retry "); }));
  for (const std::string& line : *missing) EXPECT_TRUE(config::parse_service_line(line)) << line;
}

TEST(Upgrade, ATcpServiceOfTheSameNameIsAnotherOne) {
  const auto missing = postfix::missing_services("smtp inet n - n - - smtpd\n", "master.cf");
  ASSERT_TRUE(missing);
  EXPECT_TRUE(std::ranges::any_of(*missing, [](const auto& line) { return line.starts_with("smtp "); }));
}

TEST(Upgrade, ABrokenFileIsLeftAlone) {
  EXPECT_FALSE(postfix::missing_services("broken\n", "master.cf"));
}

}  // namespace
