#include "tls/server.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <fstream>

#include "world.h"

namespace {

using namespace tls_test;
using tls::Facts;
using tls::Server;

std::string failure(const Outcome& outcome) {
  return outcome.accepted ? "none" : outcome.accepted.error().text;
}

// One meeting with a server of these settings.
Outcome meet_with(std::map<std::string, std::string> settings, Client& client) {
  const config::Config config = configuration(std::move(settings));
  Server server(config, nullptr);
  return meet(server, client);
}

void with_certificate(SSL_CTX* context, const std::string& name) {
  const Certificates& files = Certificates::get();
  SSL_CTX_use_certificate_file(context, files.path(name + ".pem").c_str(), SSL_FILETYPE_PEM);
  SSL_CTX_use_PrivateKey_file(context, files.path(name + ".key").c_str(), SSL_FILETYPE_PEM);
}

TEST(Accept, LinesGoThroughTls) {
  Client client{.says = "EHLO client"};
  const Outcome outcome = meet_with({}, client);
  EXPECT_EQ(failure(outcome), "none");
  EXPECT_EQ(outcome.heard, "EHLO client");
  EXPECT_EQ(client.heard, "250 EHLO client\r\n");
  EXPECT_EQ(client.server_cn, "mail.example.test");
}

TEST(Accept, TellsTheFactsOfTls13) {
  Client client{.says = "x"};
  const Outcome outcome = meet_with({{"smtpd_tls_chain_files", "$C/rsa-chain.pem"}}, client);
  ASSERT_TRUE(outcome.accepted) << failure(outcome);
  const Facts& facts = *outcome.accepted;
  EXPECT_TRUE(facts.active);
  EXPECT_FALSE(facts.reused);
  EXPECT_FALSE(facts.has_certificate);
  EXPECT_EQ(summary(facts),
            "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 server-signature RSA-PSS "
            "(2048 bits) server-digest SHA256");
}

TEST(Accept, NamesCurvesOfKeyExchangeAndSignature) {
  Client client{.prepare = [](SSL_CTX* context) { tls::set_groups(context, "P-256"); }, .says = "x"};
  const Outcome outcome = meet_with({}, client);
  ASSERT_TRUE(outcome.accepted) << failure(outcome);
  EXPECT_EQ(outcome.accepted->key_exchange, "ECDHE (prime256v1)");
  EXPECT_EQ(outcome.accepted->server_signature, "ECDSA (prime256v1)");
}

TEST(Accept, NamesTheBitsOfFiniteFields) {
  Client client{.prepare = [](SSL_CTX* context) { tls::set_groups(context, "ffdhe2048"); }, .says = "x"};
  const Outcome outcome = meet_with({}, client);
  ASSERT_TRUE(outcome.accepted) << failure(outcome);
  EXPECT_EQ(outcome.accepted->key_exchange, "DHE (2048 bits)");
}

TEST(Accept, LogsOneLineAtLevel1) {
  const logging::Capture log;
  Client client{.prepare = [](SSL_CTX* context) { SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION); },
                .says = "x"};
  meet_with({}, client);
  ASSERT_EQ(log.events().size(), 1U);
  EXPECT_EQ(log.events()[0].text,
            "Anonymous TLS connection established from localhost[127.0.0.1]: TLSv1.2 with cipher "
            "ECDHE-ECDSA-AES256-GCM-SHA384 (256/256 bits)");
}

TEST(Accept, LogsNothingAtLevel0AndStepsAtLevel2) {
  Client client{.says = "x"};
  {
    const logging::Capture log;
    meet_with({{"smtpd_tls_loglevel", "0"}}, client);
    EXPECT_TRUE(log.events().empty());
  }
  const logging::Capture log;
  meet_with({{"smtpd_tls_loglevel", "2"}}, client);
  EXPECT_TRUE(log.contains("initializing the server-side TLS engine"));
  EXPECT_TRUE(log.contains("setting up TLS connection from localhost[127.0.0.1]"));
  EXPECT_TRUE(log.contains("localhost[127.0.0.1]: TLS cipher list \"aNULL:-aNULL:HIGH:MEDIUM:"));
  EXPECT_TRUE(log.contains("SSL_accept:SSLv3/TLS read client hello"));
  EXPECT_FALSE(log.contains("read from"));
}

TEST(Accept, LogsTheBytesOfTheHandshakeAtLevel3AndOfAllAtLevel4) {
  const auto reads = [](const char* level) {
    Client client{.says = "x"};
    const logging::Capture log;
    meet_with({{"smtpd_tls_loglevel", level}}, client);
    return std::ranges::count_if(log.events(), [](const auto& event) { return event.text.starts_with("write to"); });
  };
  const auto of_handshake = reads("3");
  EXPECT_GT(of_handshake, 0);
  EXPECT_GT(reads("4"), of_handshake);
}

TEST(Accept, AVersionThatIsTooOldFailsInTheLibrarysWords) {
  const logging::Capture log;
  Client client{.prepare = [](SSL_CTX* context) { SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION); }};
  const Outcome outcome = meet_with({{"smtpd_tls_protocols", ">=TLSv1.3"}}, client);
  EXPECT_FALSE(outcome.accepted);
  EXPECT_FALSE(client.shaken);
  EXPECT_TRUE(log.contains("SSL_accept error from localhost[127.0.0.1]: -1"));
  EXPECT_TRUE(log.contains("TLS library problem: error:0A000102:SSL routines::unsupported protocol:"));
}

TEST(Accept, TheMandatoryListsCountWhenTlsIsCompulsory) {
  const auto protocol = [](const char* level) {
    Client client{.says = "x"};
    const Outcome outcome = meet_with({{"smtpd_tls_security_level", level},
                                       {"smtpd_tls_protocols", "<=TLSv1.2"},
                                       {"smtpd_tls_mandatory_protocols", ">=TLSv1.3"}},
                                      client);
    return outcome.accepted ? outcome.accepted->protocol : failure(outcome);
  };
  EXPECT_EQ(protocol("may"), "TLSv1.2");
  EXPECT_EQ(protocol("encrypt"), "TLSv1.3");
}

TEST(Accept, ExcludedCiphersAreNotUsed) {
  const auto cipher = [](std::map<std::string, std::string> settings) {
    Client client{.prepare = [](SSL_CTX* context) { SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION); },
                  .says = "x"};
    const Outcome outcome = meet_with(std::move(settings), client);
    return outcome.accepted ? outcome.accepted->cipher : failure(outcome);
  };
  EXPECT_EQ(cipher({}), "ECDHE-ECDSA-AES256-GCM-SHA384");
  EXPECT_EQ(cipher({{"smtpd_tls_exclude_ciphers", "AESGCM"}}), "ECDHE-ECDSA-CHACHA20-POLY1305");
  EXPECT_EQ(cipher({{"smtpd_tls_mandatory_exclude_ciphers", "AESGCM"}}), "ECDHE-ECDSA-AES256-GCM-SHA384");
  EXPECT_EQ(cipher({{"smtpd_tls_mandatory_exclude_ciphers", "AESGCM"}, {"smtpd_tls_security_level", "encrypt"}}),
            "ECDHE-ECDSA-CHACHA20-POLY1305");
}

TEST(Accept, TheServersOrderOfCiphersCountsWhenAskedFor) {
  const auto cipher = [](const char* preempt) {
    Client client{.prepare =
                      [](SSL_CTX* context) {
                        SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
                        SSL_CTX_set_cipher_list(context, "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384");
                      },
                  .says = "x"};
    return meet_with({{"tls_preempt_cipherlist", preempt}}, client).accepted->cipher;
  };
  EXPECT_EQ(cipher("no"), "ECDHE-ECDSA-AES128-GCM-SHA256");
  EXPECT_EQ(cipher("yes"), "ECDHE-ECDSA-AES256-GCM-SHA384");
}

TEST(Accept, EachClientGetsTheCertificateThatItCanUse) {
  const auto signature = [](std::string algorithms) {
    Client client{.prepare = [&](SSL_CTX* context) { SSL_CTX_set1_sigalgs_list(context, algorithms.data()); },
                  .says = "x"};
    return meet_with({{"smtpd_tls_chain_files", "$C/rsa-chain.pem, $C/ec-chain.pem"}}, client)
        .accepted->server_signature;
  };
  EXPECT_EQ(signature("ECDSA+SHA256:RSA-PSS+SHA256"), "ECDSA (prime256v1)");
  EXPECT_EQ(signature("RSA-PSS+SHA256"), "RSA-PSS (2048 bits)");
}

TEST(Accept, KeysAndCertificatesMayBeInFilesOfTheirOwn) {
  Client client{.says = "x"};
  const Outcome outcome = meet_with({{"smtpd_tls_cert_file", "$C/rsa.pem"},
                                     {"smtpd_tls_key_file", "$C/rsa.key"},
                                     {"smtpd_tls_eccert_file", "$C/ec-chain.pem"}},
                                    client);
  ASSERT_TRUE(outcome.accepted) << failure(outcome);
  EXPECT_EQ(outcome.accepted->server_signature, "ECDSA (prime256v1)");
}

TEST(Accept, ASlowKeySignsElsewhereAndOthersGoOn) {
  const config::Config config = configuration({{"smtpd_tls_chain_files", "$C/big-chain.pem"}});
  Server server(config, nullptr);
  Client client{.says = "x"};
  int turns = 0;
  Outcome outcome;
  bool over = false;
  in_a_fiber([&] {
    io::spawn("other", [&] {
      while (!over) {
        ++turns;
        io::sleep_until(io::Deadline::after(100us));
      }
    });
    io::Pair pair = io::socket_pair();
    io::FiberHandle other = io::spawn("client", [&] { client.run(std::move(pair.second)); });
    io::Stream stream(std::move(pair.first));
    outcome.accepted = server.accept(stream, {"x[y]"}, later());
    over = true;
    outcome.heard = stream.read_line(10).text;
    stream.write("250\r\n");
    stream.flush();
    other.join(later());
  });
  ASSERT_TRUE(outcome.accepted) << failure(outcome);
  EXPECT_EQ(outcome.accepted->server_signature, "RSA-PSS (4096 bits)");
  EXPECT_EQ(outcome.heard, "x");
  EXPECT_GT(turns, 1);
}

// --- client certificates

TEST(ClientCertificate, IsNotAskedForUnlessSaid) {
  Client client{.prepare = [](SSL_CTX* context) { with_certificate(context, "client"); }, .says = "x"};
  const Outcome outcome = meet_with({}, client);
  EXPECT_FALSE(outcome.accepted->has_certificate);
  EXPECT_FALSE(outcome.accepted->asked_for_certificate);
}

TEST(ClientCertificate, IsKnownByItsFingerprints) {
  Client client{.prepare = [](SSL_CTX* context) { with_certificate(context, "client"); }, .says = "x"};
  const Outcome outcome = meet_with(
      {{"smtpd_tls_ask_ccert", "yes"}, {"smtpd_tls_CAfile", "$C/ca.pem"}, {"smtpd_tls_fingerprint_digest", "sha256"}},
      client);
  const Facts& facts = *outcome.accepted;
  EXPECT_TRUE(facts.has_certificate);
  EXPECT_TRUE(facts.trusted);
  EXPECT_EQ(facts.subject_cn, "client.example.test");
  EXPECT_EQ(facts.issuer_cn, "Test CA");
  EXPECT_EQ(facts.certificate_fingerprint, Certificates::get().fingerprint("client"));
  EXPECT_EQ(facts.public_key_fingerprint, Certificates::get().key_fingerprint("client"));
  EXPECT_EQ(facts.client_signature, "ECDSA (prime256v1)");
}

TEST(ClientCertificate, WithoutATrustedAuthorityIsUntrustedAndServed) {
  const logging::Capture log;
  Client client{.prepare = [](SSL_CTX* context) { with_certificate(context, "client"); }, .says = "x"};
  const Outcome outcome = meet_with({{"smtpd_tls_ask_ccert", "yes"}}, client);
  EXPECT_TRUE(outcome.accepted->has_certificate);
  EXPECT_FALSE(outcome.accepted->trusted);
  EXPECT_EQ(client.heard, "250 x\r\n");
  EXPECT_TRUE(log.contains("Untrusted TLS connection established from"));
  EXPECT_FALSE(log.contains("certificate verification failed"));
}

TEST(ClientCertificate, ThatIsRequiredIsToldWhyItIsNotTrusted) {
  const auto said = [](const char* name) {
    const logging::Capture log;
    Client client{.prepare = [&](SSL_CTX* context) { with_certificate(context, name); }, .says = "x"};
    meet_with(
        {{"smtpd_tls_req_ccert", "yes"}, {"smtpd_tls_security_level", "encrypt"}, {"smtpd_tls_CAfile", "$C/ca.pem"}},
        client);
    for (const auto& event : log.events()) {
      if (event.name == "tls.untrusted") return event.text.substr(event.text.find("]: ") + 3);
    }
    return std::string();
  };
  EXPECT_EQ(said("client"), "");
  EXPECT_EQ(said("stranger"), "self-signed certificate");
  EXPECT_EQ(said("expired"), "certificate has expired");
}

// That a certificate is one for servers is all that is forgiven then.
TEST(ClientCertificate, ForServersIsTrustedWhenThatIsSaidAndNothingElseIsWrong) {
  const auto trusted = [](const char* name, const char* said) {
    Client client{.prepare =
                      [&](SSL_CTX* context) {
                        const Certificates& files = Certificates::get();
                        SSL_CTX_use_certificate_chain_file(context, files.path(std::string(name) + ".pem").c_str());
                        SSL_CTX_use_PrivateKey_file(context, files.path(std::string(name) + ".key").c_str(),
                                                    SSL_FILETYPE_PEM);
                      },
                  .says = "x"};
    const Outcome outcome = meet_with(
        {{"smtpd_tls_ask_ccert", "yes"}, {"smtpd_tls_CAfile", "$C/ca.pem"}, {"tls_trust_server_ccerts", said}}, client);
    EXPECT_TRUE(outcome.accepted->has_certificate) << name;
    return outcome.accepted->trusted;
  };
  EXPECT_FALSE(trusted("server", "no"));
  EXPECT_TRUE(trusted("server", "yes"));
  EXPECT_FALSE(trusted("self-server", "yes"));
  EXPECT_FALSE(trusted("forged", "yes"));
}

TEST(ClientCertificate, CannotBeRequiredWhereTlsIsNot) {
  const logging::Capture log;
  Client client{.says = "x"};
  const Outcome outcome = meet_with({{"smtpd_tls_req_ccert", "yes"}}, client);
  EXPECT_TRUE(outcome.accepted->asked_for_certificate);
  EXPECT_TRUE(log.contains("Can't require client certs unless TLS is required"));
}

TEST(LogLevel, OfSingleClientsIsIgnoredAloud) {
  const logging::Capture log;
  Client client{.says = "x"};
  EXPECT_TRUE(meet_with({{"smtpd_tls_loglevel_maps", "static:4"}}, client).accepted);
  EXPECT_TRUE(log.contains("smtpd_tls_loglevel_maps is ignored: smtpd_tls_loglevel holds for all clients"));
}

// --- names

TEST(ServerNames, ChooseTheCertificate) {
  const std::map<std::string, std::string> settings = {
      {"tls_server_sni_maps",
       "inline:{ {other.example.test = $C/other-chain.pem}, {.example.org = $C/wide-chain.pem} }"}};
  const config::Config config = configuration(settings);
  Server server(config, nullptr);
  const auto ask = [&](const char* name, std::string& sni) {
    Client client{.prepare_session =
                      [&](SSL* session) {
                        SSL_ctrl(session, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                                 const_cast<char*>(name));
                      },
                  .says = "x"};
    const Outcome outcome = meet(server, client);
    sni = outcome.accepted ? outcome.accepted->sni : failure(outcome);
    return client.server_cn;
  };
  std::string sni;
  EXPECT_EQ(ask("Other.Example.Test", sni), "other.example.test");
  EXPECT_EQ(sni, "Other.Example.Test");
  EXPECT_EQ(ask("a.b.example.org", sni), "any.example.org");
  EXPECT_EQ(sni, "a.b.example.org");
  const logging::Capture log;
  EXPECT_EQ(ask("mail.example.test", sni), "mail.example.test");
  EXPECT_EQ(sni, "");
  EXPECT_TRUE(log.contains("TLS SNI mail.example.test from localhost[127.0.0.1] not matched, using default chain"));
  EXPECT_EQ(ask("192.0.2.1", sni), "mail.example.test");
  EXPECT_TRUE(log.contains("TLS SNI from localhost[127.0.0.1] is invalid: 192.0.2.1"));
}

TEST(ServerNames, ATableThatCannotTellEndsTheHandshake) {
  const logging::Capture log;
  const auto name = [](SSL* session) {
    SSL_ctrl(session, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>("a.example.org"));
  };
  Client client{.prepare_session = name, .says = "x"};
  EXPECT_FALSE(meet_with({{"tls_server_sni_maps", "fail:"}}, client).accepted);
  EXPECT_TRUE(log.contains("tls_server_sni_maps: a.example.org map lookup problem"));
}

// --- availability

TEST(Availability, AServerWithoutCertificateSaysWhy) {
  const auto problem = [](std::map<std::string, std::string> settings) {
    const logging::Capture log;
    const config::Config config = configuration(std::move(settings));
    const Server server(config, nullptr);
    EXPECT_FALSE(server.available());
    EXPECT_FALSE(log.events().empty());
    return server.problem();
  };
  EXPECT_EQ(problem({{"smtpd_tls_cert_file", ""}}), "No server certs available. TLS won't be enabled");
  EXPECT_EQ(problem({{"smtpd_tls_cert_file", "/nonexistent"}}),
            "cannot get RSA certificate from file \"/nonexistent\": open /nonexistent: No such file or directory");
  EXPECT_TRUE(problem({{"smtpd_tls_cert_file", "$C/rsa.pem"}, {"smtpd_tls_key_file", "$C/ec.key"}})
                  .ends_with("it does not match the certificate in \"" + Certificates::get().path("rsa.pem") + "\""));
  EXPECT_TRUE(problem({{"smtpd_tls_chain_files", "$C/rsa.pem"}}).ends_with("key not first"));
  EXPECT_TRUE(problem({{"smtpd_tls_chain_files", "$C/client.key $C/rsa.pem"}}).ends_with("not match next certificate"));
  EXPECT_TRUE(problem({{"smtpd_tls_chain_files", "$C/rsa.key"}}).ends_with("key not followed by its certificate"));
  EXPECT_EQ(problem({{"smtpd_tls_protocols", "TLSv9"}}),
            "/etc/postfix/main.cf, line 3: smtpd_tls_protocols: Invalid TLS protocol list \"TLSv9\": unknown TLS "
            "protocol version "
            "\"TLSv9\"; did you mean \"TLSv1\"?");
  EXPECT_EQ(problem({{"smtpd_tls_fingerprint_digest", "md77"}}), "Digest algorithm \"md77\" not found");
}

TEST(Availability, AServerThatIsNotAvailableAcceptsNoOne) {
  const logging::Capture log;
  Client client;
  EXPECT_EQ(failure(meet_with({{"smtpd_tls_cert_file", ""}}, client)),
            "No server certs available. TLS won't be enabled");
}

TEST(Level, ComesFromTheLevelOrTheOldSwitches) {
  const auto level = [](std::string_view text) { return tls::server_level(*config::Config::from_text(text)); };
  EXPECT_EQ(level(""), tls::Level::none);
  EXPECT_EQ(level("smtpd_use_tls = yes\n"), tls::Level::may);
  EXPECT_EQ(level("smtpd_enforce_tls = yes\n"), tls::Level::encrypt);
  EXPECT_EQ(level("smtpd_tls_security_level = none\nsmtpd_use_tls = yes\n"), tls::Level::none);
  EXPECT_EQ(level("smtpd_tls_security_level = May\n"), tls::Level::may);
  EXPECT_EQ(level("smtpd_tls_security_level = verify\n"), tls::Level::encrypt);
  EXPECT_EQ(level("smtpd_tls_wrappermode = yes\n"), tls::Level::encrypt);
  EXPECT_THROW(level("smtpd_tls_security_level = mya\n"), config::BadValue);
}

TEST(Check, FindsEveryMistake) {
  const config::Config config = configuration({{"smtpd_tls_cert_file", "/nonexistent"},
                                               {"smtpd_tls_eccert_file", "$C/ec.pem"},
                                               {"smtpd_tls_eckey_file", "$C/client.key"},
                                               {"smtpd_tls_CAfile", "/no/ca"},
                                               {"smtpd_tls_CApath", "/no/path"},
                                               {"smtpd_tls_mandatory_ciphers", "hihg"},
                                               {"smtpd_tls_mandatory_protocols", ">=TLSv1.5"},
                                               {"tls_ssl_options", "no_tikcet"},
                                               {"smtpd_tls_dh1024_param_file", "$C/ca.pem"},
                                               {"smtpd_tls_loglevel", "x"},
                                               {"tls_session_ticket_cipher", "aes-256-gcm"}});
  std::string all;
  for (const base::Error& mistake : tls::check_server(config)) all += mistake.text + "\n";
  for (const char* part :
       {"smtpd_tls_cert_file: cannot get RSA certificate", "smtpd_tls_eccert_file: cannot get ECDSA private key",
        "smtpd_tls_CAfile: cannot load \"/no/ca\"", "smtpd_tls_CApath: ", "did you mean \"high\"?",
        "did you mean \"TLSv1.1\"?", "did you mean \"NO_TICKET\"?", "no Diffie-Hellman parameters",
        "smtpd_tls_loglevel", "tls_session_ticket_cipher"}) {
    EXPECT_NE(all.find(part), std::string::npos) << part << " is not in\n" << all;
  }
}

TEST(Check, FindsNothingWhereNothingIsWrong) {
  EXPECT_TRUE(tls::check_server(configuration({})).empty());
  EXPECT_TRUE(tls::check_server(*config::Config::from_text("")).empty());
}

// --- the end of a session

TEST(Goodbye, IsSaidWhenTheStreamCloses) {
  const config::Config config = configuration({});
  Server server(config, nullptr);
  Client client{.says = "x", .says_goodbye = false};
  int ending = 0;
  in_a_fiber([&] {
    io::Pair pair = io::socket_pair();
    io::FiberHandle other = io::spawn("client", [&] {
      tls::ContextPointer context(SSL_CTX_new(TLS_client_method()));
      tls::SslPointer session(SSL_new(context.get()));
      SSL_set_fd(session.get(), pair.second.get());
      char byte = 0;
      while (true) {
        const int result =
            SSL_is_init_finished(session.get()) ? SSL_read(session.get(), &byte, 1) : SSL_connect(session.get());
        if (result == 1) continue;
        ending = SSL_get_error(session.get(), result);
        if (ending != SSL_ERROR_WANT_READ) break;
        io::wait_readable(pair.second.get(), later());
      }
      io::forget(pair.second.get());
    });
    io::Stream stream(std::move(pair.first));
    EXPECT_TRUE(server.accept(stream, {"x[y]"}, later()));
    stream = io::Stream(base::Fd());
    other.join(later());
  });
  EXPECT_EQ(ending, SSL_ERROR_ZERO_RETURN);
}

TEST(Handshake, EndsAtItsDeadlineWhateverThePeerDoes) {
  const logging::Capture log;
  const config::Config config = configuration({});
  Server server(config, nullptr);
  in_a_fiber([&] {
    io::Pair pair = io::socket_pair();
    ASSERT_EQ(::write(pair.second.get(), "\x16\x03", 2), 2);
    io::Stream stream(std::move(pair.first));
    EXPECT_FALSE(server.accept(stream, {"x[y]"}, io::Deadline::after(30ms)));
  });
  EXPECT_TRUE(log.contains("SSL_accept error from x[y]: Connection timed out"));
}

TEST(Handshake, ThatThePeerLeavesIsALostConnection) {
  const logging::Capture log;
  const config::Config config = configuration({});
  Server server(config, nullptr);
  in_a_fiber([&] {
    io::Pair pair = io::socket_pair();
    pair.second.reset();
    io::Stream stream(std::move(pair.first));
    EXPECT_FALSE(server.accept(stream, {"x[y]"}, later()));
  });
  EXPECT_TRUE(log.contains("SSL_accept error from x[y]: lost connection"));
  EXPECT_EQ(log.events().size(), 1U);
}

TEST(Handshake, ThatThePeerBreaksSaysHow) {
  const logging::Capture log;
  const config::Config config = configuration({});
  Server server(config, nullptr);
  in_a_fiber([&] {
    const auto listener = io::listen({io::Endpoint::Type::inet, "127.0.0.1", "0", ""});
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ASSERT_EQ(::getsockname(listener->get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    base::Fd client(::socket(AF_INET, SOCK_STREAM, 0));
    ASSERT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    io::Stream stream(std::move(*io::accept(listener->get(), later())));
    const linger at_once{1, 0};
    ::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    client.reset();
    EXPECT_FALSE(server.accept(stream, {"x[y]"}, later()));
  });
  EXPECT_TRUE(log.contains("SSL_accept error from x[y]: Connection reset by peer"));
}

TEST(Handshake, WithWhatIsNoTlsFails) {
  const logging::Capture log;
  const config::Config config = configuration({});
  Server server(config, nullptr);
  in_a_fiber([&] {
    io::Pair pair = io::socket_pair();
    ASSERT_EQ(::write(pair.second.get(), "EHLO x\r\nMAIL FROM:<a@b>\r\n", 25), 25);
    io::Stream stream(std::move(pair.first));
    EXPECT_FALSE(server.accept(stream, {"x[y]"}, later()));
  });
  EXPECT_TRUE(log.contains("SSL_accept error from x[y]: -1"));
  EXPECT_TRUE(log.contains("wrong version number"));
}

}  // namespace
