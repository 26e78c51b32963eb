#include "smtpd/command_filter.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "logging/log.h"

namespace smtpd {
namespace {

using Result = std::optional<std::string>;

Result replaced(std::string_view filter, std::string_view command) {
  const auto config = config::Config::from_text(fmt::format("smtpd_command_filter = {}\n", filter)).value();
  auto result = CommandFilter(config).replacement(command);
  return result ? *result : Result("error");
}

TEST(CommandFilter, IsATableOverWholeCommands) {
  constexpr std::string_view kFilter = R"(regexp:{ {/^HELO *$$/ HELO client.invalid}, {/^FOO (.*)/ NOOP $$1} })";
  EXPECT_EQ(replaced(kFilter, "HELO "), "HELO client.invalid");
  EXPECT_EQ(replaced(kFilter, "foo bar"), "NOOP bar");
  EXPECT_EQ(replaced(kFilter, "HELO x"), std::nullopt);
  EXPECT_EQ(replaced("", "HELO x"), std::nullopt);
  EXPECT_EQ(replaced("static:QUIT", ""), std::nullopt);
}

TEST(CommandFilter, MayTakeACommandAway) {
  logging::Capture log;
  EXPECT_EQ(replaced("regexp:{ {/^FROB$$/} }", "FROB"), "");
  EXPECT_FALSE(log.contains("empty string result"));
}

TEST(CommandFilter, ThatCannotAnswerIsAnError) {
  logging::Capture log;
  EXPECT_EQ(replaced("fail:x", "NOOP"), "error");
}

TEST(CommandFilter, MakesNoCommandLongerThanAnyMayBe) {
  EXPECT_EQ(replaced("static:" + std::string(2048, 'N'), "NOOP"), std::string(2048, 'N'));
  EXPECT_EQ(replaced("static:" + std::string(2049, 'N'), "NOOP"), "error");
}

}  // namespace
}  // namespace smtpd
