#include "tls/words.h"

#include <openssl/ssl.h>

namespace {

using namespace tls;

TEST(Protocols, MayBeBounds) {
  const auto parsed = parse_protocols(">=TLSv1.2, <=TLSv1.3");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->lowest, TLS1_2_VERSION);
  EXPECT_EQ(parsed->highest, TLS1_3_VERSION);
  EXPECT_EQ(parsed->excluded, 0U);
}

TEST(Protocols, BoundsMayBeNumbers) {
  const auto parsed = parse_protocols(">=0302:<=0304");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->lowest, 0x0302);
  EXPECT_EQ(parsed->highest, 0x0304);
}

TEST(Protocols, MayBeExclusions) {
  EXPECT_EQ(parse_protocols("!SSLv2, !SSLv3 !tlsv1")->excluded, SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1);
}

TEST(Protocols, ListedAloneTheyExcludeAllOthers) {
  EXPECT_EQ(parse_protocols("TLSv1.2 TLSv1.3")->excluded, SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1);
}

TEST(Protocols, EmptyMeansAll) {
  const auto parsed = parse_protocols("");
  EXPECT_EQ(parsed->lowest + parsed->highest, 0);
  EXPECT_EQ(parsed->excluded, 0U);
}

TEST(Protocols, AnUnknownWordIsNamedWithTheNearestKnownOne) {
  EXPECT_EQ(parse_protocols(">=TLSv1.2, !TLSv1.4").error().text,
            "unknown TLS protocol version \"TLSv1.4\"; did you mean \"TLSv1.1\"?");
  EXPECT_EQ(parse_protocols(">=TSLv1.2").error().text,
            "unknown TLS protocol version \"TSLv1.2\"; did you mean \"TLSv1.2\"?");
  EXPECT_EQ(parse_protocols("hippopotamus").error().text, "unknown TLS protocol version \"hippopotamus\"");
  EXPECT_FALSE(parse_protocols(">="));
  EXPECT_FALSE(parse_protocols("<=9999"));
  EXPECT_FALSE(parse_protocols("!"));
}

TEST(Options, AreNamesInAnyCaseOrANumber) {
  EXPECT_EQ(parse_options("no_ticket, NO_COMPRESSION", OptionKind::option), SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
  EXPECT_EQ(parse_options("0x10", OptionKind::option), 0x10U);
  EXPECT_EQ(parse_options("", OptionKind::option), 0U);
  EXPECT_EQ(parse_options("tlsext_padding CVE-2010-4180", OptionKind::workaround), SSL_OP_TLSEXT_PADDING);
}

TEST(Options, AnUnknownOneIsNamedWithTheNearestKnownOne) {
  EXPECT_EQ(parse_options("no_tikcet", OptionKind::option).error().text,
            "unknown value \"no_tikcet\"; did you mean \"NO_TICKET\"?");
  EXPECT_FALSE(parse_options("0xyz", OptionKind::option));
  EXPECT_FALSE(parse_options("no_ticket 0x10", OptionKind::option));
  EXPECT_FALSE(parse_options("NO_TICKET", OptionKind::workaround));
}

TEST(Grades, OldWeakOnesAreMedium) {
  EXPECT_EQ(parse_grade("HIGH"), Grade::high);
  EXPECT_EQ(parse_grade("medium"), Grade::medium);
  EXPECT_EQ(parse_grade("export"), Grade::medium);
  EXPECT_EQ(parse_grade("low"), Grade::medium);
  EXPECT_EQ(parse_grade("null"), Grade::null);
  EXPECT_EQ(parse_grade("hihg").error().text, "invalid cipher grade \"hihg\"; did you mean \"high\"?");
}

TEST(CipherList, ExclusionsFollowTheGrade) {
  EXPECT_EQ(cipher_list("HIGH:@STRENGTH", {"aNULL", "", "3DES, MD5:kRSA+SHA1"}),
            "HIGH:@STRENGTH:!aNULL:!3DES:!MD5:!kRSA+SHA1");
}

TEST(CipherList, NoOperatorCanBeExcluded) {
  EXPECT_EQ(bad_exclusion("aNULL, kRSA+AES:3DES"), "");
  EXPECT_EQ(bad_exclusion("aNULL, -AES"), "-AES");
  EXPECT_EQ(bad_exclusion("@STRENGTH"), "@STRENGTH");
}

TEST(LogLevel, IsANumberUpTo4) {
  EXPECT_EQ(parse_log_level("0"), 0);
  EXPECT_EQ(parse_log_level("4"), 4);
  EXPECT_EQ(parse_log_level("7"), 4);
  EXPECT_EQ(parse_log_level("x"), std::nullopt);
  EXPECT_EQ(parse_log_level(""), std::nullopt);
}

TEST(ServerName, IsAHostNameAndNoAddress) {
  for (const char* good : {"mail.example.test", "_x.example.test", "a", "1.example", "SNI.Example.TEST"}) {
    EXPECT_TRUE(is_server_name(good)) << good;
  }
  for (const char* bad : {"", ".", "a..b", "-a.b", "a-.b", "a.b-", "192.0.2.1", "a b", "a.b.", ".a", "ex\nample"}) {
    EXPECT_FALSE(is_server_name(bad)) << bad;
  }
  EXPECT_TRUE(is_server_name(std::string(63, 'a')));
  EXPECT_FALSE(is_server_name(std::string(64, 'a')));
}

TEST(ServerName, IsLookedUpWithItsParents) {
  EXPECT_EQ(server_name_keys("a.b.c"), (std::vector<std::string>{"a.b.c", ".b.c", ".c"}));
  EXPECT_EQ(server_name_keys("localhost"), std::vector<std::string>{"localhost"});
}

}  // namespace
