#include "command/open_logging.h"

#include <syslog.h>

#include "base/error.h"

namespace {

logging::Setup setup_of(const std::string& main_cf) {
  const auto config = config::Config::from_text("myhostname = mx.example.com\n" + main_cf);
  EXPECT_TRUE(config) << config.error().text;
  return command::logging_setup(*config, "postmap");
}

std::string problem_of(const std::string& main_cf) {
  try {
    setup_of(main_cf);
  } catch (const base::Fatal& problem) {
    return problem.what();
  }
  return "none";
}

TEST(LoggingSetup, GoesToSyslogByDefault) {
  const auto setup = setup_of("");
  EXPECT_TRUE(setup.syslog);
  EXPECT_TRUE(setup.standard_error);
  EXPECT_EQ(setup.syslog_facility, LOG_MAIL);
  EXPECT_EQ(setup.file, "");
  EXPECT_EQ(setup.identity.program, "postmap");
  EXPECT_EQ(setup.identity.syslog_name, "postfix");
  EXPECT_EQ(setup.identity.host, "mx.example.com");
}

TEST(LoggingSetup, GoesToAFileInPlaceOfSyslog) {
  const auto setup = setup_of("maillog_file = /var/log/maillog");
  EXPECT_FALSE(setup.syslog);
  EXPECT_EQ(setup.file, "/var/log/maillog");
  EXPECT_EQ(setup.file_mode, 0600u);
  EXPECT_EQ(setup.file_form, logging::Form::text);
}

TEST(LoggingSetup, TakesWhatMainCfSays) {
  const auto setup = setup_of(
      "syslog_name = postfix-out\nsyslog_facility = LOCAL3\nmaillog_file = /dev/stdout\nmaillog_file_permissions = "
      "644\n"
      "maillog_file_form = json");
  EXPECT_EQ(setup.identity.syslog_name, "postfix-out");
  EXPECT_EQ(setup.syslog_facility, LOG_LOCAL3);
  EXPECT_EQ(setup.file_mode, 0644u);
  EXPECT_EQ(setup.file_form, logging::Form::json);
}

TEST(LoggingSetup, RefusesFilesOutsideOfThePrefixes) {
  const auto refused = [](std::string_view file) {
    return "maillog_file value '" + std::string(file) + "' does not match any prefix in maillog_file_prefixes";
  };
  EXPECT_EQ(problem_of("maillog_file = /etc/passwd"), refused("/etc/passwd"));
  EXPECT_EQ(problem_of("maillog_file = log"), refused("log"));
  EXPECT_EQ(problem_of("maillog_file = /var/../etc/passwd"), refused("/var/../etc/passwd"));
  EXPECT_EQ(problem_of("maillog_file = /var/.."), refused("/var/.."));
  EXPECT_EQ(problem_of("maillog_file = /srv/log\nmaillog_file_prefixes = /var, /srv"), "none");
}

TEST(LoggingSetup, RefusesValuesItDoesNotKnow) {
  EXPECT_TRUE(problem_of("syslog_facility = bogus")
                  .ends_with("/main.cf: parameter syslog_facility: unrecognized value: bogus"));
  EXPECT_TRUE(problem_of("maillog_file = /var/x\nmaillog_file_permissions = 0666")
                  .ends_with("parameter maillog_file_permissions: unrecognized value: 0666"));
  EXPECT_TRUE(problem_of("maillog_file = /var/x\nmaillog_file_form = xml")
                  .ends_with("parameter maillog_file_form: unrecognized value: xml"));
}

TEST(OpenLogging, GoesOnWithoutAFileThatCannotBeOpened) {
  const auto config = config::Config::from_text("maillog_file = /var/none/such/log");
  const logging::Capture log;
  command::open_logging(*config, "postmap");
  EXPECT_TRUE(log.contains("open logfile '/var/none/such/log': No such file or directory"));
  (void)logging::open({});
}

}  // namespace
