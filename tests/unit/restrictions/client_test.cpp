#include "rules_for_tests.h"

namespace restrictions {

namespace {

const std::string kDenied = "554 5.7.1 <ann@local.test>: Recipient address rejected: Access denied";

TEST(Client, PermitInetInterfaces) {
  Server server = server_with("permit_inet_interfaces, reject");
  EXPECT_EQ(server.rcpt(), kDenied);
  server.client.address = "127.0.0.1";
  EXPECT_EQ(server.rcpt(), "ok");
}

TEST(Client, PermitMynetworks) {
  Server server = server_with("permit_mynetworks, reject");
  EXPECT_EQ(server.rcpt(), kDenied);
  server.client.address = "192.0.2.99";
  EXPECT_EQ(server.rcpt(), "ok");
}

TEST(Client, MynetworksThatCannotTellDefer) {
  const logging::Capture log;
  EXPECT_EQ(server_with("permit_mynetworks, reject", "mynetworks = hash:/nonexistent/x\n").rcpt(),
            "451 4.3.0 <ann@local.test>: Temporary lookup failure");
  EXPECT_TRUE(log.contains("mynetworks: hash:/nonexistent/x: table lookup problem"));
}

TEST(Client, PermitSaslAuthenticated) {
  Server server = server_with("permit_sasl_authenticated, reject", "smtpd_sasl_auth_enable = yes\n");
  EXPECT_EQ(server.rcpt(), kDenied);
  server.sasl_username = "joe";
  EXPECT_EQ(server.rcpt(), "ok");
}

TEST(Client, PermitSaslAuthenticatedOpensNothingWhereNobodyLogsIn) {
  Server server = server_with("permit_sasl_authenticated, reject");
  server.sasl_username = "joe";
  EXPECT_EQ(server.rcpt(), kDenied);
}

TEST(Client, PermitTlsClientcertsKnowsCertificatesAndKeys) {
  Server server = server_with("permit_tls_clientcerts, reject", "relay_clientcerts = inline:{AA:BB=x, CC:DD=y}\n");
  server.tls.active = server.tls.has_certificate = true;
  server.tls.certificate_fingerprint = "11:22";
  server.tls.public_key_fingerprint = "33:44";
  EXPECT_EQ(server.rcpt(), kDenied);
  server.tls.public_key_fingerprint = "CC:DD";
  EXPECT_EQ(server.rcpt(), "ok");
  server.tls.certificate_fingerprint = "AA:BB";
  EXPECT_EQ(server.rcpt(), "ok");
  server.tls.has_certificate = false;
  EXPECT_EQ(server.rcpt(), kDenied);
}

TEST(Client, RelayClientcertsThatCannotTellDefer) {
  Server server = server_with("permit_tls_clientcerts, reject", "relay_clientcerts = fail:x\n");
  server.tls.active = server.tls.has_certificate = true;
  server.tls.certificate_fingerprint = "11:22";
  EXPECT_EQ(server.rcpt(), "451 4.3.0 <11:22>: Temporary lookup failure");
}

TEST(Client, PermitTlsAllClientcertsWantsATrustedOne) {
  Server server = server_with("permit_tls_all_clientcerts, reject");
  server.tls.active = server.tls.has_certificate = true;
  EXPECT_EQ(server.rcpt(), kDenied);
  server.tls.trusted = true;
  EXPECT_EQ(server.rcpt(), "ok");
}

TEST(Client, PermitsAreLoggedWhereWanted) {
  Server server(
      "smtpd_log_access_permit_actions = static:all\nsmtpd_client_restrictions = check_client_access "
      "inline:{client.test=123}\nsmtpd_sender_restrictions = permit\n"
      "smtpd_relay_restrictions = permit_auth_destination, reject\n");
  EXPECT_EQ(server.notes(),
            (std::vector<std::string>{
                "permit: action=123 for Client host=client.test[198.51.100.7] from inline:{client.test=123}",
                "permit: action=permit for Sender address=sender@client.test ",
                "permit: action=permit_auth_destination for Recipient address=ann@local.test "}));
}

TEST(LocalHeaderClients, AreOurInterfacesByDefault) {
  Server server("");
  EXPECT_FALSE(server.rules().is_local_header_client(server.subject(Stage::mail)));
  server.client.address = "127.0.0.1";
  EXPECT_TRUE(server.rules().is_local_header_client(server.subject(Stage::mail)));
}

TEST(LocalHeaderClients, MayBeNamedOtherwise) {
  Server server(
      "smtpd_sasl_auth_enable = yes\nlocal_header_rewrite_clients = permit_sasl_authenticated, check_address_map "
      "inline:{198.51.100.9=x}, "
      "inline:{198.51.100.8=x}\n");
  EXPECT_FALSE(server.rules().is_local_header_client(server.subject(Stage::mail)));
  server.client.address = "198.51.100.8";
  EXPECT_TRUE(server.rules().is_local_header_client(server.subject(Stage::mail)));
  server.client.address = "198.51.100.9";
  EXPECT_TRUE(server.rules().is_local_header_client(server.subject(Stage::mail)));
  server.client.address = "198.51.100.7";
  server.sasl_username = "joe";
  EXPECT_TRUE(server.rules().is_local_header_client(server.subject(Stage::mail)));
}

}  // namespace

}  // namespace restrictions
