#include "tls/tickets.h"

#include <ctime>

#include "world.h"

namespace {

using namespace tls_test;
using tls::Server;
using tls::TicketKey;

class FakeKeys : public tls::TicketKeys {
 public:
  std::optional<TicketKey> current() override {
    if (keys.empty()) return std::nullopt;
    return keys.back();
  }
  std::optional<TicketKey> named(std::span<const std::uint8_t, 16> name) override {
    for (const TicketKey& key : keys) {
      if (std::ranges::equal(key.name, name)) return key;
    }
    return std::nullopt;
  }
  void add(std::uint8_t seed) {
    TicketKey key;
    key.name.fill(seed);
    key.cipher.fill(static_cast<std::uint8_t>(seed + 1));
    key.hmac.fill(static_cast<std::uint8_t>(seed + 2));
    key.expires = std::time(nullptr) + 3600;
    keys.push_back(key);
  }
  std::vector<TicketKey> keys;
};

void only_tls12(SSL_CTX* context) {
  SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
}

class Tickets : public testing::TestWithParam<bool> {
 protected:
  Client client() const {
    return {.prepare = GetParam() ? nullptr : std::function<void(SSL_CTX*)>(only_tls12), .says = "x"};
  }
  Client client_with_certificate() const {
    Client one = client();
    one.prepare = [before = one.prepare](SSL_CTX* context) {
      if (before) before(context);
      SSL_CTX_use_certificate_file(context, Certificates::get().path("client.pem").c_str(), SSL_FILETYPE_PEM);
      SSL_CTX_use_PrivateKey_file(context, Certificates::get().path("client.key").c_str(), SSL_FILETYPE_PEM);
    };
    return one;
  }
  // As another process of the service would have it.
  Outcome meet_anew(Client& client, tls::TicketKeys* keys, std::map<std::string, std::string> settings = {}) {
    const config::Config config = configuration(std::move(settings));
    Server server(config, keys);
    return meet(server, client);
  }
};
INSTANTIATE_TEST_SUITE_P(Versions, Tickets, testing::Bool(),
                         [](const auto& with) { return with.param ? "Tls13" : "Tls12"; });

TEST_P(Tickets, AreGoodAtEveryServerWithTheSameKeys) {
  FakeKeys keys;
  keys.add(1);
  Client one = client();
  EXPECT_FALSE(meet_anew(one, &keys).accepted->reused);
  ASSERT_TRUE(one.session);
  const Outcome second = meet_anew(one, &keys);
  EXPECT_TRUE(second.accepted->reused);
  EXPECT_TRUE(one.resumed);
  EXPECT_EQ(second.heard, "x");
}

TEST_P(Tickets, OfOtherKeysAreNone) {
  FakeKeys keys;
  FakeKeys others;
  keys.add(1);
  others.add(9);
  Client one = client();
  meet_anew(one, &keys);
  EXPECT_FALSE(meet_anew(one, &others).accepted->reused);
}

TEST_P(Tickets, OfTheKeyBeforeAreStillOpened) {
  FakeKeys keys;
  keys.add(1);
  Client one = client();
  meet_anew(one, &keys);
  keys.add(9);
  EXPECT_TRUE(meet_anew(one, &keys).accepted->reused);
  keys.keys.erase(keys.keys.begin());
  EXPECT_TRUE(meet_anew(one, &keys).accepted->reused);  // it was given a new one
}

TEST_P(Tickets, CannotBeForgedWithTheNameOfAKey) {
  FakeKeys keys;
  FakeKeys forger;
  keys.add(1);
  forger.add(1);
  forger.keys[0].hmac.fill(77);
  Client one = client();
  meet_anew(one, &forger);
  EXPECT_FALSE(meet_anew(one, &keys).accepted->reused);
}

TEST_P(Tickets, AreNotIssuedWithoutAKeyOrWhenTurnedOff) {
  const auto resumed = [&](tls::TicketKeys* keys, std::map<std::string, std::string> settings) {
    Client one = client();
    meet_anew(one, keys, settings);
    return meet_anew(one, keys, settings).accepted->reused;
  };
  FakeKeys keys;
  EXPECT_FALSE(resumed(nullptr, {}));
  EXPECT_FALSE(resumed(&keys, {}));
  keys.add(1);
  EXPECT_TRUE(resumed(&keys, {}));
  EXPECT_FALSE(resumed(&keys, {{"tls_ssl_options", "no_ticket"}}));
  EXPECT_FALSE(resumed(&keys, {{"tls_session_ticket_cipher", ""}}));
  EXPECT_FALSE(resumed(&keys, {{"smtpd_tls_session_cache_timeout", "0"}}));
  EXPECT_TRUE(resumed(&keys, {{"tls_session_ticket_cipher", "aes-128-cbc"}}));
}

TEST_P(Tickets, AnUnsuitableCipherIsWarnedOfAndTurnsThemOff) {
  FakeKeys keys;
  keys.add(1);
  const logging::Capture log;
  Client one = client();
  meet_anew(one, &keys, {{"tls_session_ticket_cipher", "aes-256-gcm"}});
  EXPECT_TRUE(log.contains("tls_session_ticket_cipher: aes-256-gcm is not a 128-bit block CBC cipher"));
}

TEST_P(Tickets, CarryTheClientsCertificate) {
  FakeKeys keys;
  keys.add(1);
  Client one = client_with_certificate();
  const std::map<std::string, std::string> settings = {{"smtpd_tls_ask_ccert", "yes"},
                                                       {"smtpd_tls_CAfile", "$C/ca.pem"}};
  const Outcome first = meet_anew(one, &keys, settings);
  const Outcome second = meet_anew(one, &keys, settings);
  EXPECT_TRUE(second.accepted->reused);
  EXPECT_TRUE(second.accepted->trusted);
  EXPECT_EQ(second.accepted->certificate_fingerprint, first.accepted->certificate_fingerprint);
}

TEST_P(Tickets, OfWhomNobodyVouchesForAnyMoreAreNoGood) {
  FakeKeys keys;
  keys.add(1);
  Client one = client_with_certificate();
  const Outcome first = meet_anew(one, &keys, {{"smtpd_tls_ask_ccert", "yes"}, {"smtpd_tls_CAfile", "$C/ca.pem"}});
  EXPECT_TRUE(first.accepted->trusted);
  const Outcome second = meet_anew(one, &keys, {{"smtpd_tls_ask_ccert", "yes"}, {"smtpd_tls_CAfile", "$C/ec.pem"}});
  EXPECT_FALSE(second.accepted->reused);
  EXPECT_FALSE(second.accepted->trusted);
}

TEST_P(Tickets, OfAServiceThatAsksForNoCertificateAreNoGoodWhereOneIsAskedFor) {
  FakeKeys keys;
  keys.add(1);
  Client one = client();
  meet_anew(one, &keys);
  const Outcome second = meet_anew(one, &keys, {{"smtpd_tls_ask_ccert", "yes"}});
  EXPECT_TRUE(!second.accepted || !second.accepted->reused);
}

TEST_P(Tickets, AreLoggedAtLevel2) {
  FakeKeys keys;
  keys.add(1);
  Client one = client();
  const logging::Capture log;
  meet_anew(one, &keys, {{"smtpd_tls_loglevel", "2"}});
  EXPECT_TRUE(log.contains("localhost[127.0.0.1]: Issuing session ticket, key expiration: "));
  meet_anew(one, &keys, {{"smtpd_tls_loglevel", "2"}});
  EXPECT_TRUE(log.contains("localhost[127.0.0.1]: Decrypting session ticket, key expiration: "));
  EXPECT_TRUE(log.contains("localhost[127.0.0.1]: Reusing old session (RFC 5077 session ticket)"));
}

}  // namespace
