#include <unistd.h>

#include "io/fiber.h"
#include "io/socket.h"
#include "io/stream.h"
#include "rules_for_tests.h"

namespace restrictions {

namespace {

const std::string kDenied = "554 5.7.1 <ann@local.test>: Recipient address rejected: Access denied";

Server server_asking(const std::string& restriction, const std::string& entries, const std::string& more = "") {
  return server_with(restriction + " inline:{" + entries + "}, permit", more);
}

TEST(AccessTables, ClientByNameParentAddressAndNetwork) {
  const std::string rejected = "554 5.7.1 <client.test[198.51.100.7]>: Client host rejected: ";
  for (const char* key : {"client.test", "test", "198.51.100.7", "198.51.100", "198.51", "198"}) {
    EXPECT_EQ(server_asking("check_client_access", fmt::format("{{{}=REJECT no}}", key)).rcpt(), rejected + "no")
        << key;
  }
  EXPECT_EQ(server_asking("check_client_access", "{client.test=DUNNO}, {198=REJECT}").rcpt(), "ok");
}

TEST(AccessTables, ParentsHaveADotWhereSubdomainsAreNotMatched) {
  const std::string more = "parent_domain_matches_subdomains =\n";
  EXPECT_EQ(server_with("check_client_access inline:{{test=REJECT}}", more).rcpt(), "ok");
  EXPECT_NE(server_with("check_client_access inline:{{.test=REJECT}}", more).rcpt(), "ok");
}

TEST(AccessTables, ReverseNamesMayNotPermit) {
  const logging::Capture log;
  EXPECT_EQ(server_asking("check_reverse_client_hostname_access", "{client.test=REJECT no}").rcpt(),
            "554 5.7.1 <client.test>: Unverified Client host rejected: no");
  EXPECT_EQ(server_asking("check_reverse_client_hostname_access", "{client.test=DUNNO}").rcpt(), "ok");
  EXPECT_EQ(server_asking("check_reverse_client_hostname_access", "{198.51.100=REJECT net}").rcpt(),
            "554 5.7.1 <client.test>: Unverified Client host rejected: net");
  EXPECT_EQ(server_asking("check_reverse_client_hostname_access", "{client.test=OK}").rcpt(),
            "451 4.3.5 Server configuration error");
  EXPECT_TRUE(log.contains("restriction check_reverse_client_hostname_access returns OK for client.test"));
  EXPECT_TRUE(log.contains("this is not allowed for security reasons"));
  EXPECT_TRUE(log.contains("use DUNNO instead of OK if you want to make an exception"));
}

TEST(AccessTables, ProxiesAreNotNeeded) {
  EXPECT_EQ(server_with("check_helo_access proxy:inline:{{helo.test=REJECT}}").rcpt(),
            "554 5.7.1 <helo.test>: Helo command rejected: Access denied");
}

TEST(AccessTables, ProxiesAreNotNeededForServersBehindASocketEither) {
  const std::string path = fmt::format("{}map.{}", testing::TempDir(), ::getpid());
  const base::Fd listener = io::listen({io::Endpoint::Type::unix_stream, "", "", path}).value();
  std::string query;
  std::string reply;
  io::Loop loop;
  loop.spawn("map", [&] {
    io::Stream stream(io::accept(listener.get(), io::Deadline::after(std::chrono::seconds(20))).value());
    stream.set_deadline(io::Deadline::after(std::chrono::seconds(20)));
    query = stream.read_exactly(20);
    stream.write("9:OK REJECT,");
    stream.flush();
  });
  loop.spawn("client", [&] {
    reply = server_with(fmt::format("check_helo_access proxy:socketmap:unix:{}:blocks, permit", path)).rcpt();
  });
  loop.run();
  ::unlink(path.c_str());
  EXPECT_EQ(query, "16:blocks helo.test,");
  EXPECT_EQ(reply, "554 5.7.1 <helo.test>: Helo command rejected: Access denied");
}

TEST(AccessTables, Helo) {
  EXPECT_EQ(server_asking("check_helo_access", "{helo.test=REJECT}").rcpt(),
            "554 5.7.1 <helo.test>: Helo command rejected: Access denied");
  Server silent = server_asking("check_helo_access", "{helo.test=REJECT}");
  silent.has_helo = false;
  EXPECT_EQ(silent.rcpt(), "ok");
}

TEST(AccessTables, SenderByAllFormsOfTheAddress) {
  for (const char* key :
       {"sender+x@client.test", "sender@client.test", "client.test", "test", "sender+x@", "sender@"}) {
    Server server = server_asking("check_sender_access", fmt::format("{{{}=550 {}}}", key, key));
    EXPECT_EQ(server.from("sender+x@client.test"),
              fmt::format("550 5.7.1 <sender+x@client.test>: Sender address rejected: {}", key));
  }
}

TEST(AccessTables, TheNullSenderHasAKeyOfItsOwn) {
  Server server = server_asking("check_sender_access", "{<>=REJECT null}");
  EXPECT_EQ(server.from(""), "554 5.7.1 <>: Sender address rejected: null");
  Server other =
      server_with("check_sender_access inline:{{nobody=REJECT null}}", "smtpd_null_access_lookup_key = nobody\n");
  EXPECT_EQ(other.from(""), "554 5.7.1 <>: Sender address rejected: null");
}

TEST(AccessTables, Recipient) {
  EXPECT_EQ(server_asking("check_recipient_access", "{ann@local.test=550 5.1.7 no}").rcpt(),
            "550 5.1.3 <ann@local.test>: Recipient address rejected: no");
  // Without a domain it is in $myorigin.
  EXPECT_EQ(server_asking("check_recipient_access", "{ann@local.test=550 no}").rcpt("ann"),
            "550 5.7.1 <ann>: Recipient address rejected: no");
}

TEST(AccessTables, ARoutedRecipientIsNotPermittedByItsLastDomain) {
  Server server("smtpd_relay_restrictions = check_recipient_access inline:{relay.test=OK}, reject\n");
  EXPECT_EQ(server.rcpt("a@relay.test"), "ok");
  EXPECT_EQ(server.rcpt("a%b.test@relay.test"),
            "554 5.7.1 <a%b.test@relay.test>: Recipient address rejected: Access denied");
  Server trusting(
      "smtpd_relay_restrictions = check_recipient_access inline:{relay.test=OK}, reject\n"
      "allow_untrusted_routing = yes\n");
  EXPECT_EQ(trusting.rcpt("a%b.test@relay.test"), "ok");
}

TEST(AccessTables, Etrn) {
  Server server("smtpd_etrn_restrictions = check_etrn_access inline:{{etrn.test=REJECT}}\n");
  EXPECT_EQ(server.say(Stage::etrn), "554 5.7.1 <etrn.test>: Etrn command rejected: Access denied");
  server.etrn_domain = "other.example";
  EXPECT_EQ(server.say(Stage::etrn), "ok");
}

TEST(AccessTables, SaslLogin) {
  Server server = server_asking("check_sasl_access", "{joe=REJECT}", "smtpd_sasl_auth_enable = yes\n");
  EXPECT_EQ(server.rcpt(), "ok");
  server.sasl_username = "joe";
  EXPECT_EQ(server.rcpt(), "554 5.7.1 <joe>: SASL login name rejected: Access denied");
}

TEST(AccessTables, Certificates) {
  Server server = server_asking("check_ccert_access", "{AA=REJECT cert}, {BB=REJECT key}, {Jo=REJECT name}");
  server.tls.certificate_fingerprint = "11";
  server.tls.public_key_fingerprint = "BB";
  server.tls.subject_cn = "Jo";
  EXPECT_EQ(server.rcpt(), "ok");
  server.tls.active = server.tls.has_certificate = true;
  EXPECT_EQ(server.rcpt(), "554 5.7.1 <Jo>: Client certificate rejected: key");
  server.tls.certificate_fingerprint = "AA";
  EXPECT_EQ(server.rcpt(), "554 5.7.1 <Jo>: Client certificate rejected: cert");
}

TEST(AccessTables, CertificatesAreSearchedInTheOrderThatIsWanted) {
  const std::string table = "inline:{{AA=REJECT cert}, {Jo=REJECT subject}, {CA=REJECT issuer}}";
  Server server = server_with("check_ccert_access { " + table + ", { search_order = subject_cn, cert_fingerprint } }");
  server.tls.active = server.tls.has_certificate = true;
  server.tls.certificate_fingerprint = "AA";
  server.tls.subject_cn = "Jo";
  server.tls.issuer_cn = "CA";
  EXPECT_EQ(server.rcpt(), "554 5.7.1 <Jo>: Client certificate rejected: subject");
  server.tls.subject_cn = "Ann";
  EXPECT_EQ(server.rcpt(), "554 5.7.1 <Ann>: Client certificate rejected: cert");
}

TEST(AccessTables, AloneStandForTheirList) {
  const std::string no = "inline:{{client.test=REJECT}, {helo.test=REJECT}, {ann@local.test=REJECT}}";
  EXPECT_EQ(Server("smtpd_client_restrictions = " + no + "\n").rcpt(),
            "554 5.7.1 <client.test[198.51.100.7]>: Client host rejected: Access denied");
  EXPECT_EQ(Server("smtpd_helo_restrictions = " + no + "\n").rcpt(),
            "554 5.7.1 <helo.test>: Helo command rejected: Access denied");
  EXPECT_EQ(Server("smtpd_sender_restrictions = " + no + "\n").rcpt(),
            "554 5.7.1 <sender@client.test>: Sender address rejected: Access denied");
  EXPECT_EQ(server_with(no).rcpt(), kDenied);
}

}  // namespace

}  // namespace restrictions
