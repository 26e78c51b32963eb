#include "tls/facts.h"

namespace {

tls::Facts tls13() {
  tls::Facts facts;
  facts.active = true;
  facts.protocol = "TLSv1.3";
  facts.cipher = "TLS_AES_256_GCM_SHA384";
  facts.used_bits = facts.algorithm_bits = 256;
  facts.key_exchange = "X25519";
  facts.server_signature = "RSA-PSS (2048 bits)";
  facts.server_digest = "SHA256";
  return facts;
}

using Lines = std::vector<std::string>;

TEST(Summary, IsTheLogLinesText) {
  EXPECT_EQ(summary(tls13()),
            "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 server-signature RSA-PSS "
            "(2048 bits) server-digest SHA256");
}

TEST(Summary, OfOldProtocolsIsShort) {
  tls::Facts facts;
  facts.protocol = "TLSv1.2";
  facts.cipher = "AES128-SHA";
  facts.used_bits = facts.algorithm_bits = 128;
  EXPECT_EQ(summary(facts), "TLSv1.2 with cipher AES128-SHA (128/128 bits)");
}

TEST(ReceivedLines, AreNoneWithoutTls) {
  EXPECT_EQ(tls::received_lines({}), Lines());
}

TEST(ReceivedLines, TellTheSession) {
  EXPECT_EQ(received_lines(tls13()),
            (Lines{"(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)",
                   " key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256)",
                   "(No client certificate requested)"}));
}

TEST(ReceivedLines, TellTheClientsCertificate) {
  tls::Facts facts = tls13();
  facts.asked_for_certificate = true;
  EXPECT_EQ(received_lines(facts).back(), "(Client did not present a certificate)");
  facts.has_certificate = true;
  facts.client_signature = "ECDSA (prime256v1)";
  facts.client_digest = "SHA256";
  facts.subject_cn = "client.example.test";
  facts.issuer_cn = "Test CA";
  EXPECT_EQ(received_lines(facts)[2], " client-signature ECDSA (prime256v1) client-digest SHA256)");
  EXPECT_EQ(received_lines(facts)[3], "(Client CN \"client.example.test\", Issuer \"Test CA\" (not verified))");
  facts.trusted = true;
  EXPECT_EQ(received_lines(facts)[3], "(Client CN \"client.example.test\", Issuer \"Test CA\" (verified OK))");
}

TEST(ReceivedLines, ANameCannotEndTheComment) {
  tls::Facts facts = tls13();
  facts.has_certificate = true;
  facts.subject_cn = "x\" (evil) \\";
  EXPECT_EQ(received_lines(facts).back(), "(Client CN \"x_ _evil_ _\", Issuer \"\" (not verified))");
}

TEST(Trust, IsTheFirstWordOfTheLogLine) {
  tls::Facts facts;
  EXPECT_EQ(trust(facts), "Anonymous");
  facts.has_certificate = true;
  EXPECT_EQ(trust(facts), "Untrusted");
  facts.trusted = true;
  EXPECT_EQ(trust(facts), "Trusted");
}

}  // namespace
