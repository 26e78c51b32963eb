// What is wrong with lists, and where.

#include "rules_for_tests.h"

namespace restrictions {

namespace {

std::vector<std::string> mistakes_in(const std::string& main_cf) {
  const auto config =
      config::Config::from_text("compatibility_level = 3.6\nmyhostname = mail.test\n" + main_cf).value();
  std::vector<std::string> texts;
  for (const base::Error& mistake : check(config)) texts.push_back(mistake.text);
  return texts;
}
std::string mistake_in(const std::string& list) {
  const auto mistakes = mistakes_in("smtpd_client_restrictions = " + list + "\n");
  return mistakes.size() == 1 ? mistakes[0] : fmt::format("{} mistakes", mistakes.size());
}
std::string in_client_list(std::string_view text) {
  return fmt::format("/etc/postfix/main.cf, line 3: smtpd_client_restrictions: {}", text);
}

TEST(Parser, FindsNothingWrongWithAStockConfiguration) {
  EXPECT_EQ(mistakes_in(""), std::vector<std::string>());
}

TEST(Parser, NamesFileLineWordAndTheNearestKnownOne) {
  EXPECT_EQ(mistake_in("permit_mynetwork"),
            in_client_list("unknown restriction \"permit_mynetwork\"; did you mean \"permit_mynetworks\"?"));
  EXPECT_EQ(mistake_in("xyzzy"), in_client_list("unknown restriction \"xyzzy\""));
}

TEST(Parser, FindsAllMistakes) {
  const auto mistakes = mistakes_in("smtpd_helo_restrictions = foo, bar\nsmtpd_data_restrictions = baz\n");
  ASSERT_EQ(mistakes.size(), 3U);
  EXPECT_TRUE(mistakes[0].contains("line 3: smtpd_helo_restrictions: unknown restriction \"foo\""));
  EXPECT_TRUE(mistakes[2].contains("line 4: smtpd_data_restrictions: unknown restriction \"baz\""));
}

TEST(Parser, TellsWhatToUseInsteadOfRemovedNames) {
  EXPECT_EQ(mistake_in("permit_naked_ip_address"),
            in_client_list("restriction \"permit_naked_ip_address\" has been removed; use \"permit_mynetworks or "
                           "permit_sasl_authenticated\" instead"));
  EXPECT_TRUE(mistake_in("reject_maps_rbl").contains("use \"reject_rbl_client domain-name\" instead"));
  EXPECT_TRUE(mistake_in("Check_Relay_Domains").contains("use \"reject_unauth_destination\" instead"));
}

TEST(Parser, AddressVerificationIsNamedAsMissing) {
  EXPECT_TRUE(mistake_in("reject_unverified_sender").contains("needs address verification, which is not available"));
  EXPECT_TRUE(mistake_in("reject_unverified_recipient").contains("line 3"));
}

TEST(Parser, WantsArguments) {
  EXPECT_EQ(mistake_in("check_client_access"),
            in_client_list("\"check_client_access\" must be followed by type:table"));
  EXPECT_EQ(mistake_in("check_client_access permit"),
            in_client_list("\"check_client_access\" must be followed by type:table instead of \"permit\""));
  EXPECT_TRUE(mistake_in("check_client_access foo").contains("type:table instead of \"foo\""));
  EXPECT_TRUE(mistake_in("check_client_access { hash:x }").contains("type:table instead of"));
  EXPECT_TRUE(mistake_in("sleep, permit").contains("\"sleep\" must be followed by an argument instead of \"permit\""));
  EXPECT_TRUE(mistake_in("sleep x").contains("\"sleep x\": must be followed by number"));
  EXPECT_TRUE(mistake_in("check_policy_service reject").contains("inet:host:port or unix:path instead of \"reject\""));
}

TEST(Parser, KnowsPolicyServices) {
  EXPECT_EQ(
      mistakes_in("smtpd_client_restrictions = check_policy_service inet:127.0.0.1:10, check_policy_service "
                  "unix:private/p, check_policy_service { inet:h:10, timeout=2s, { default_action = 450 try later },"
                  " policy_context=x, max_idle=1h, max_ttl=2m, request_limit=0, retry_delay=3s, try_limit=1 }\n"),
      std::vector<std::string>());
  EXPECT_TRUE(mistake_in("check_policy_service foo:bar").contains("\"foo:bar\" must be inet:host:port or unix:path"));
  EXPECT_TRUE(mistake_in("check_policy_service { inet:h:1, timeout=x }").contains("bad time \"x\" for timeout"));
  EXPECT_TRUE(mistake_in("check_policy_service { inet:h:1, try_limit=0 }").contains("bad number \"0\" for try_limit"));
  EXPECT_TRUE(mistake_in("check_policy_service { inet:h:1, foo=x }").contains("unknown setting \"foo\""));
  EXPECT_TRUE(mistake_in("check_policy_service { inet:h:1, foo }").contains("missing '='"));
  EXPECT_TRUE(mistake_in("check_policy_service {  }").contains("no service is named"));
}

TEST(Parser, KnowsSearchOrders) {
  EXPECT_TRUE(
      mistake_in("check_ccert_access { hash:x, { search_order = foo } }").contains("unknown search key \"foo\""));
  EXPECT_TRUE(mistake_in("check_ccert_access { hash:x, { order = foo } }").contains("unknown setting \"order\""));
  EXPECT_TRUE(mistake_in("check_ccert_access { }").contains("must begin with type:table"));
}

TEST(Parser, WantsANameBeforeATableWhereNoneIsImplied) {
  const auto mistakes = mistakes_in("smtpd_data_restrictions = hash:/x\nsmtpd_etrn_restrictions = inline:{a=b}\n");
  ASSERT_EQ(mistakes.size(), 1U);
  EXPECT_TRUE(mistakes[0].contains("smtpd_data_restrictions: table \"hash:/x\" needs a restriction before it"));
}

TEST(Parser, GroupsStandNowhereElse) {
  EXPECT_TRUE(mistake_in("{reject}").contains("\"{reject}\" is neither a restriction nor a table"));
}

TEST(Parser, ClassesMustBeDefined) {
  EXPECT_EQ(
      mistakes_in("smtpd_restriction_classes = one\n"),
      std::vector<std::string>{"/etc/postfix/main.cf, line 3: smtpd_restriction_classes: restriction class \"one\" "
                               "is not defined: there is no parameter \"one\""});
  EXPECT_TRUE(
      mistakes_in("smtpd_restriction_classes = permit\n")[0].contains("\"permit\" is a restriction of its own"));
  EXPECT_TRUE(mistakes_in("smtpd_restriction_classes = one\none = permti\n")[0].contains(
      "line 4: one: unknown restriction \"permti\"; did you mean \"permit\"?"));
  EXPECT_TRUE(
      mistakes_in("smtpd_restriction_classes = greylist\ngreylist = permit\nsmtpd_client_restrictions = greylst\n")[0]
          .contains("did you mean \"greylist\"?"));
}

TEST(Parser, RelayingMustBeRefusedSomewhere) {
  const std::string fatal =
      "in parameter smtpd_relay_restrictions or smtpd_recipient_restrictions, specify at least one working instance "
      "of: "
      "reject_unauth_destination, defer_unauth_destination, reject, defer or defer_if_permit";
  const auto with = [](const std::string& relay, const std::string& recipient) {
    return mistakes_in("smtpd_relay_restrictions = " + relay + "\nsmtpd_recipient_restrictions = " + recipient + "\n");
  };
  EXPECT_EQ(with("", ""), std::vector<std::string>{fatal});
  EXPECT_EQ(with("permit_mynetworks", "permit, reject"), std::vector<std::string>{fatal});
  EXPECT_EQ(with("warn_if_reject reject", "permit"), std::vector<std::string>{fatal});
  for (const char* one :
       {"reject", "defer", "defer_if_permit", "reject_unauth_destination", "Defer_Unauth_Destination"}) {
    EXPECT_EQ(with(one, ""), std::vector<std::string>()) << one;
    EXPECT_EQ(with("", one), std::vector<std::string>()) << one;
  }
  EXPECT_EQ(mistakes_in("smtpd_restriction_classes = c\nc = reject\nsmtpd_relay_restrictions = c\n"),
            std::vector<std::string>());
}

TEST(Parser, LocalHeaderClientsAreToldByAFewNames) {
  EXPECT_TRUE(mistakes_in("local_header_rewrite_clients = reject\n")[0].contains(
      "line 3: local_header_rewrite_clients: \"reject\" is of no use here"));
  EXPECT_TRUE(mistakes_in("local_header_rewrite_clients = foo\n")[0].contains("unknown restriction \"foo\""));
}

TEST(Parser, WarnsOfWhatIsNeverAsked) {
  const logging::Capture log;
  EXPECT_EQ(mistakes_in("smtpd_client_restrictions = permit, reject\n"), std::vector<std::string>());
  EXPECT_TRUE(log.contains("restriction `reject' after `permit' is ignored"));
}

TEST(Parser, DoesNotMindMistakesInWhatIsNeverAsked) {
  const logging::Capture log;
  EXPECT_EQ(mistakes_in("smtpd_client_restrictions = permit, permti, check_client_access\n"),
            std::vector<std::string>());
  EXPECT_TRUE(log.contains("restriction `permti' after `permit' is ignored"));
  EXPECT_EQ(mistakes_in("smtpd_client_restrictions = warn_if_reject reject, permti\n").size(), 1U);
}

TEST(Parser, WarnsOfWhatComesToNothing) {
  const logging::Capture log;
  EXPECT_EQ(mistakes_in("smtpd_client_restrictions = warn_if_reject\n"
                        "smtpd_restriction_classes = one, two\none = two\ntwo = warn_if_reject one\n"),
            std::vector<std::string>());
  EXPECT_TRUE(log.contains("main.cf, line 5: restriction class within itself: one -> two -> one"));
}

TEST(Parser, TempfailActionsAreTwo) {
  EXPECT_TRUE(
      mistakes_in("reject_tempfail_action = foo\n")[0].contains("bad configuration: reject_tempfail_action = foo"));
  EXPECT_EQ(mistakes_in("reject_tempfail_action = defer\n"), std::vector<std::string>());
}

TEST(Rules, EndAListAtAMistakeInIt) {
  for (const char* mistake : {"foo", "check_sender_access foo", "check_policy_service", "hash",
                              "reject_unknown_clients", "{ x }", "check_relay_domains"}) {
    const logging::Capture log;
    const Server server(fmt::format("smtpd_sender_restrictions = permit_mynetworks, {}, reject\n", mistake));
    EXPECT_TRUE(log.contains("main.cf, line 11: smtpd_sender_restrictions: ")) << mistake;
    EXPECT_EQ(server.rcpt(), "451 4.3.5 Server configuration error") << mistake;
  }
}

TEST(Rules, AreNotMadeWithoutAGuardAgainstRelaying) {
  try {
    Server server("smtpd_client_restrictions = foo\nsmtpd_relay_restrictions = bar\n");
    FAIL();
  } catch (const base::Fatal& fatal) {
    EXPECT_TRUE(std::string_view(fatal.what()).contains("unknown restriction \"foo\""));
    EXPECT_TRUE(std::string_view(fatal.what()).contains("specify at least one working instance"));
  }
}

}  // namespace

}  // namespace restrictions
