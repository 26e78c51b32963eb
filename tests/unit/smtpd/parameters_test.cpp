#include "smtpd/parameters.h"

#include <gtest/gtest.h>

#include "logging/log.h"
#include "smtpd/command_line.h"

namespace {

using smtpd::CommandLine;
using smtpd::parse_address;

std::string address(std::string_view typed, bool strict = false) {
  const auto parsed = parse_address(typed, strict);
  return parsed ? parsed->address : "(bad)";
}

TEST(Address, StandsInBracketsOrNot) {
  EXPECT_EQ(address("<a@b.example>"), "a@b.example");
  EXPECT_EQ(address("a@b.example"), "a@b.example");
  EXPECT_EQ(address("<>"), "");
  EXPECT_EQ(address("<\"a b\"@c.example>"), "a b@c.example");
}

TEST(Address, MayHaveAPhraseAndCommentsAroundIt) {
  EXPECT_EQ(address("Joe<a@b.example>"), "a@b.example");
  EXPECT_EQ(address("(x)<a@b.example>"), "a@b.example");
  EXPECT_EQ(address("<<a@b.example>>"), "a@b.example");
  EXPECT_EQ(address("g:a@b.example;"), "a@b.example");
}

TEST(Address, StrictlyHasBracketsAndNothingElse) {
  EXPECT_EQ(address("a@b.example", true), "(bad)");
  EXPECT_EQ(address("Joe<a@b.example>", true), "(bad)");
  EXPECT_EQ(address("<a(c)@b.example>", true), "(bad)");
  EXPECT_EQ(address("<a@b.example>", true), "a@b.example");
}

TEST(Address, IsOne) {
  for (const char* typed :
       {"<a@b.example", "<a@b>,<c@d>", "<a b@c>", "<a@b>x", "<a,b@c>", "<\"a@b>", "<a@b\\>", "<a@b>\""})
    EXPECT_EQ(address(typed), "(bad)") << typed;
}

TEST(Address, StandsAloneInAListOfOne) {
  for (const char* typed : {"<a@b.example>,", "<,a@b.example>", "a@b.example;", "<>a@b.example", "<a@b.example(c>"})
    EXPECT_EQ(address(typed), "a@b.example") << typed;
  EXPECT_EQ(address("<a@b.example,>", true), "(bad)");
}

TEST(Address, OfAListOfNoneIsTheNullSender) {
  EXPECT_EQ(address("(a@b.example)"), "");
  EXPECT_EQ(address(",,"), "");
}

TEST(Address, LosesItsRouteButNotInWhatWasTyped) {
  const auto parsed = parse_address("<@a.example,@b.example:c@d.example>", false);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->address, "c@d.example");
  EXPECT_EQ(parsed->typed, "@a.example,@b.example:c@d.example");
}

TEST(Address, HoldsNoLineEnd) {
  EXPECT_EQ(address("<\"a\rb\"@c.example>"), "a b@c.example");
}

TEST(PlainAddress, NeedsNoSecondLook) {
  EXPECT_TRUE(smtpd::is_plain_address("first.last+x@mail.example"));
  for (const char* each : {"a", "a@", "@b", "-a@b.example", "a%b@c.example", "a@b@c", "a@1.2.3.4", "a@[1.2.3.4]"})
    EXPECT_FALSE(smtpd::is_plain_address(each)) << each;
}

TEST(CommandLine, KeepsBracketsAndQuotesTogether) {
  const CommandLine line("  mail FROM:<a b@c> SIZE=1 \"x y\"z ");
  EXPECT_EQ(line.verb, "MAIL");
  EXPECT_EQ(line.words, (std::vector<std::string_view>{"FROM:<a b@c>", "SIZE=1", "\"x y\"z"}));
}

smtpd::Reply refused(const std::vector<std::string_view>& words, const smtpd::Offered& offered = {}) {
  const logging::Capture quiet;
  const auto parsed = smtpd::parse_mail_parameters(words, offered);
  return parsed ? smtpd::Reply{} : parsed.error();
}

TEST(MailParameters, AreUnderstood) {
  const std::vector<std::string_view> words = {"SIZE=10",     "body=8bitmime", "SMTPUTF8", "RET=FULL",
                                               "ENVID=a+2Bb", "AUTH=ann+40x",  "XVERP"};
  const auto parsed = smtpd::parse_mail_parameters(words, {.verp = true});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->size, 10);
  EXPECT_EQ(parsed->envelope_id, "a+b");
  EXPECT_EQ(parsed->sasl_sender, "ann@x");
  EXPECT_TRUE(parsed->smtputf8);
  EXPECT_EQ(parsed->verp_delimiters, "");
}

TEST(MailParameters, AreRefusedWithAReason) {
  EXPECT_EQ(refused({"SIZE=-1"}).line(), "501 5.5.4 Bad message size syntax");
  EXPECT_EQ(refused({"SIZE=99999999999999999999"}).code, 552);
  EXPECT_EQ(refused({"FOO=BAR"}).line(), "555 5.5.4 Unsupported option: FOO=BAR");
  EXPECT_EQ(refused({"RET=FULL", "RET=HDRS"}).line(), "501 5.5.4 Bad RET parameter syntax");
  EXPECT_EQ(refused({"ENVID="}).line(), "501 5.5.4 Bad ENVID parameter syntax");
  EXPECT_EQ(refused({"RET=FULL"}, {.dsn = false}).line(), "501 5.7.1 DSN support is disabled");
  EXPECT_EQ(refused({"XVERP"}).code, 555);
  EXPECT_EQ(refused({"XVERP=xy"}, {.verp = true}).line(), "501 5.5.4 Error: XVERP needs two characters from -=+");
}

TEST(RecipientParameters, AreUnderstood) {
  const std::vector<std::string_view> words = {"NOTIFY=SUCCESS,FAILURE", "ORCPT=utf-8;b\\x{F6}b@x"};
  const auto parsed = smtpd::parse_recipient_parameters(words, {});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->notify, 6);
  EXPECT_EQ(parsed->original_recipient,
            "utf-8;b\xC3\xB6"
            "b@x");
}

TEST(RecipientParameters, NeverStandsAlone) {
  const logging::Capture quiet;
  const std::vector<std::string_view> words = {"NOTIFY=NEVER,SUCCESS"};
  EXPECT_FALSE(smtpd::parse_recipient_parameters(words, {}));
}

}  // namespace
