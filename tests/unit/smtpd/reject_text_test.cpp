// Refusals as main.cf rewords them: the bytes are those of Postfix's smtpd.
#include "smtpd/reject_text.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "logging/log.h"

namespace smtpd {
namespace {

class Refusal : public testing::Test {
 protected:
  void use(std::string_view settings) {
    config_.emplace(config::Config::from_text(settings).value());
    text_.emplace(*config_);
  }
  // The reply with its footer, a line a line.
  std::string with_footer(Reply reply = {.code = 500, .status = "5.5.2", .text = "Error: command not recognized"}) {
    text_->add_footer(reply, [](std::string_view name) -> std::optional<std::string> {
      if (name == "client_address") return "192.0.2.1";
      if (name == "helo_name") return "a$client_address\xff\n";
      if (name == "sender") return "";
      return std::nullopt;
    });
    std::string result = reply.line();
    for (const std::string& line : reply.lines) result += "|" + line;
    return result;
  }
  std::string filtered(Reply reply = {.code = 451, .status = "4.6.0", .text = "Alias expansion error"}) {
    const auto other = text_->filtered(reply);
    return other ? other->line() : "as it is";
  }

  logging::Capture log_;
  std::optional<config::Config> config_;
  std::optional<RejectText> text_;
};

TEST_F(Refusal, StaysAloneWithoutFooter) {
  use("");
  EXPECT_FALSE(text_->has_footers());
  EXPECT_EQ(with_footer(), "500 5.5.2 Error: command not recognized");
}

TEST_F(Refusal, GetsAFooterWithItsCodes) {
  use("smtpd_reject_footer = help for $client_address\n");
  EXPECT_EQ(with_footer(), "500 5.5.2 Error: command not recognized|5.5.2 help for 192.0.2.1");
  EXPECT_EQ(with_footer({.code = 501, .text = "Syntax: EHLO hostname"}),
            "501 Syntax: EHLO hostname|help for 192.0.2.1");
  EXPECT_EQ(with_footer({.code = 450, .status = "5.7.1", .text = "x"}), "450 4.7.1 x|4.7.1 help for 192.0.2.1");
}

TEST_F(Refusal, GetsAFooterOfSeveralLines) {
  use(R"(smtpd_reject_footer = one\ntwo\n)");
  EXPECT_EQ(with_footer(), "500 5.5.2 Error: command not recognized|5.5.2 one|5.5.2 two|5.5.2 ");
}

TEST_F(Refusal, GetsAFooterOnTheSameLine) {
  use(R"(smtpd_reject_footer = \c. Help $client_address)");
  EXPECT_EQ(with_footer(), "500 5.5.2 Error: command not recognized. Help 192.0.2.1");
  use(R"(smtpd_reject_footer = \c one\ntwo)");
  EXPECT_EQ(with_footer(), "500 5.5.2 Error: command not recognized one|5.5.2 two");
  use(R"(smtpd_reject_footer = a\n\c b)");
  EXPECT_EQ(with_footer(), R"(500 5.5.2 Error: command not recognized|5.5.2 a|5.5.2 \c b)");
}

TEST_F(Refusal, LeavesOtherRepliesAlone) {
  use("smtpd_reject_footer = help\n");
  EXPECT_EQ(with_footer({.code = 250, .status = "2.0.0", .text = "Ok"}), "250 2.0.0 Ok");
}

TEST_F(Refusal, ExpandsNamesAndNothingElse) {
  use("smtpd_reject_footer = $foo ${client_address?yes} ${sender:no} $$x\n");
  EXPECT_EQ(with_footer(), "500 5.5.2 Error: command not recognized|5.5.2  yes no $x");
  EXPECT_TRUE(log_.contains("unknown macro name \"foo\" in expansion request"));
}

TEST_F(Refusal, TakesNoOrdersFromWhatClientsSay) {
  use("smtpd_reject_footer = <$helo_name>\n");
  EXPECT_EQ(with_footer(), "500 5.5.2 Error: command not recognized|5.5.2 <a$client_address__>");
}

TEST_F(Refusal, HasNoFooterWhenItCannotBeExpanded) {
  use("smtpd_reject_footer = x ${client_address\n");
  EXPECT_EQ(with_footer(), "500 5.5.2 Error: command not recognized");
  EXPECT_FALSE(log_.events().empty());
}

TEST_F(Refusal, GetsTheFooterOfItsTable) {
  use("smtpd_reject_footer = other\n"
      "smtpd_reject_footer_maps = regexp:{ {/not recognized/ at $$$$client_address} }\n");
  EXPECT_EQ(with_footer(), "500 5.5.2 Error: command not recognized|5.5.2 at 192.0.2.1");
  EXPECT_EQ(with_footer({.code = 550, .status = "5.1.1", .text = "no"}), "550 5.1.1 no|5.1.1 other");
}

TEST_F(Refusal, GetsTheUsualFooterWhenItsTableCannotAnswer) {
  use("smtpd_reject_footer = other\nsmtpd_reject_footer_maps = fail:x\n");
  EXPECT_EQ(with_footer(), "500 5.5.2 Error: command not recognized|5.5.2 other");
}

TEST_F(Refusal, IsReplaced) {
  use("smtpd_reject_filter_maps = regexp:{ {/^451 4(\\.6\\.0 Alias.*)/ 550 5$$1} }\n");
  EXPECT_EQ(filtered(), "550 5.6.0 Alias expansion error");
  EXPECT_EQ(filtered({.code = 451, .status = "4.3.0", .text = "x"}), "as it is");
  EXPECT_EQ(filtered({.code = 250, .status = "4.6.0", .text = "Alias"}), "as it is");
}

TEST_F(Refusal, IsReplacedOnlyByAnotherRefusal) {
  for (const std::string_view result : {"250 2.0.0 Ok", "OK", "5500 x", "55", "354 go"}) {
    use(fmt::format("smtpd_reject_filter_maps = static:{{{}}}\n", result));
    EXPECT_EQ(filtered(), "as it is") << result;
    EXPECT_TRUE(log_.contains("is no reject")) << result;
  }
}

TEST_F(Refusal, StaysWhenItsTableCannotAnswer) {
  use("smtpd_reject_filter_maps = fail:x\n");
  EXPECT_EQ(filtered(), "as it is");
}

TEST(ParsedRefusal, HasCodeStatusAndText) {
  EXPECT_EQ(restrictions::parse_refusal("550  5.7.1  go  away ")->line(), "550 5.7.1 go  away");
  EXPECT_EQ(restrictions::parse_refusal("450 go away")->line(), "450 go away");
  EXPECT_EQ(restrictions::parse_refusal("450")->line(), "450 ");
  EXPECT_EQ(restrictions::parse_refusal(""), std::nullopt);
  EXPECT_EQ(restrictions::parse_refusal("45x"), std::nullopt);
}

}  // namespace
}  // namespace smtpd
