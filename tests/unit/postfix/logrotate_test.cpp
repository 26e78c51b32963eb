#include "postfix/logrotate.h"

#include "base/error.h"

namespace {

std::tm moment() {
  std::tm time{};
  time.tm_year = 126;
  time.tm_mon = 10;
  time.tm_mday = 21;
  time.tm_hour = 17;
  time.tm_min = 5;
  time.tm_sec = 9;
  return time;
}

TEST(RotatedName, HasTheTime) {
  EXPECT_EQ(postfix::rotated_name("/var/log/maillog", "%Y%m%d-%H%M%S", moment()), "/var/log/maillog.20261121-170509");
}

TEST(RotatedName, StaysInItsDirectory) {
  EXPECT_THROW(postfix::rotated_name("/var/log/maillog", "../../etc/x", moment()), base::Fatal);
  EXPECT_THROW(postfix::rotated_name("/var/log/maillog", "%D", moment()), base::Fatal);
  EXPECT_THROW(postfix::rotated_name("/var/log/maillog", "", moment()), base::Fatal);
}

}  // namespace
