#include "smtpd/peer.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "io/socket.h"
#include "lib/dns_answers.h"
#include "logging/log.h"

namespace smtpd {
namespace {

namespace wire = dns_answers;
using Status = restrictions::Client::Status;

std::string arpa(int last) {
  return std::to_string(last) + ".2.0.192.in-addr.arpa";
}

class Peer : public testing::Test {
 protected:
  Peer() {
    std::string path = testing::TempDir() + "peer.XXXXXX";
    folder = ::mkdtemp(path.data());
    std::map<std::string, std::vector<std::string>> zones = {
        {arpa(10) + " 12", {wire::ptr(arpa(10), "Mail.Good.test")}},
        {"mail.good.test 1", {wire::a("mail.good.test", "192.0.2.9"), wire::a("mail.good.test", "192.0.2.10")}},
        {arpa(12) + " 12", {wire::ptr(arpa(12), "liar.test")}},
        {"liar.test 1", {wire::a("liar.test", "192.0.2.99")}},
        {arpa(13) + " 12", {wire::ptr(arpa(13), "nowhere.test")}},
        {arpa(14) + " 12", {wire::ptr(arpa(14), "broken.test")}},
        {"broken.test", {}},
        {arpa(15), {}},
        {arpa(16) + " 12", {wire::ptr(arpa(16), "1.2.3.4")}},
        {arpa(17) + " 12", {wire::ptr(arpa(17), "bad*name.test")}},
        {arpa(18) + " 12", {wire::ptr(arpa(18), "six.test")}},
        {"six.test 28", {wire::aaaa("six.test", "2001:db8::1")}},
        {"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa 12",
         {wire::ptr("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "six.test")}},
    };
    server = std::make_unique<wire::Server>(wire::from_table(std::move(zones)));
    std::ofstream(folder / "resolv.conf") << "nameserver 127.0.0.1:" << server->port() << "\n";
    std::ofstream(folder / "hosts") << "192.0.2.40 known.test alias\n";
    dns::Resolver::Options options;
    options.resolv_conf = folder / "resolv.conf";
    options.hosts = folder / "hosts";
    resolver = std::make_unique<dns::Resolver>(options);
  }
  ~Peer() override { std::filesystem::remove_all(folder); }

  restrictions::Client named(const std::string& address) {
    restrictions::Client client;
    client.address = address;
    look_up_name(client, *resolver, io::Deadline::after(std::chrono::seconds(20)));
    return client;
  }

  std::filesystem::path folder;
  std::unique_ptr<wire::Server> server;
  std::unique_ptr<dns::Resolver> resolver;
};

TEST_F(Peer, HasTheNameThatLeadsBackToItsAddress) {
  const auto client = named("192.0.2.10");
  EXPECT_EQ(client.name, "Mail.Good.test");
  EXPECT_EQ(client.reverse_name, "Mail.Good.test");
  EXPECT_EQ(client.name_status, Status::found);
}

TEST_F(Peer, HasNoNameThatIsAnothers) {
  const logging::Capture log;
  const auto client = named("192.0.2.12");
  EXPECT_EQ(client.name, "unknown");
  EXPECT_EQ(client.reverse_name, "liar.test");
  EXPECT_EQ(client.name_status, Status::forged);
  EXPECT_EQ(client.reverse_status, Status::found);
  EXPECT_EQ(log.events().at(0).text, "hostname liar.test does not resolve to address 192.0.2.12");
}

TEST_F(Peer, HasNoNameThatIsNotThere) {
  const logging::Capture log;
  const auto client = named("192.0.2.13");
  EXPECT_EQ(client.name_status, Status::not_found);
  EXPECT_EQ(client.reverse_status, Status::found);
  EXPECT_EQ(log.events().at(0).text,
            "hostname nowhere.test does not resolve to address 192.0.2.13: Name or service not known");
}

TEST_F(Peer, OfTheOtherFamilyIsNoAnswer) {
  const logging::Capture log;
  EXPECT_EQ(named("192.0.2.18").name, "unknown");
  EXPECT_TRUE(
      log.contains("hostname six.test does not resolve to address 192.0.2.18: No address associated with hostname"));
  EXPECT_EQ(named("2001:db8::1").name, "six.test");
}

TEST_F(Peer, MayBeKnownLater) {
  const logging::Capture log;
  const auto forward = named("192.0.2.14");
  EXPECT_EQ(forward.name_status, Status::temporary);
  EXPECT_EQ(forward.reverse_status, Status::found);
  EXPECT_TRUE(log.contains(
      "hostname broken.test does not resolve to address 192.0.2.14: Temporary failure in name resolution"));
  const auto reverse = named("192.0.2.15");
  EXPECT_EQ(reverse.name_status, Status::temporary);
  EXPECT_EQ(reverse.reverse_status, Status::temporary);
  EXPECT_EQ(reverse.reverse_name, "unknown");
  EXPECT_EQ(log.events().size(), 1U);
}

TEST_F(Peer, IsNotCalledByANumberOrByRubbish) {
  const logging::Capture log;
  EXPECT_EQ(named("192.0.2.16").reverse_name, "unknown");
  EXPECT_TRUE(log.contains("numeric hostname: 1.2.3.4"));
  const auto rubbish = named("192.0.2.17");
  EXPECT_EQ(rubbish.reverse_name, "unknown");
  EXPECT_EQ(rubbish.reverse_status, Status::not_found);
  EXPECT_EQ(log.events().size(), 1U);
}

TEST_F(Peer, MayBeInTheHostsFile) {
  EXPECT_EQ(named("192.0.2.40").name, "known.test");
  EXPECT_TRUE(server->questions().empty());
}

TEST_F(Peer, WithoutAnythingIsUnknown) {
  const logging::Capture log;
  const auto client = named("192.0.2.200");
  EXPECT_EQ(client.name_and_address(), "unknown[192.0.2.200]");
  EXPECT_EQ(client.name_status, Status::not_found);
  EXPECT_TRUE(log.events().empty());
}

TEST(PeerAddress, OfAUnixSocketIsLocalhost) {
  const io::Pair pair = io::socket_pair();
  const auto client = addresses_of(pair.first.get());
  EXPECT_EQ(client.name_and_address(), "localhost[127.0.0.1]");
  EXPECT_EQ(client.name_status, Status::found);
}

// Clients of an IPv6 socket that speak IPv4 are IPv4 clients.
TEST(PeerAddress, IsOfTheFamilyThatTheClientHas) {
  for (const std::string host : {"127.0.0.1", "::1", "::ffff:127.0.0.1"}) {
    const int family = host.contains(':') ? AF_INET6 : AF_INET;
    const base::Fd listener(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_storage address{};
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    address.ss_family = static_cast<sa_family_t>(family);
    if (family == AF_INET)
      ::inet_pton(family, host.c_str(), &reinterpret_cast<sockaddr_in&>(address).sin_addr);
    else
      ::inet_pton(family, host.c_str(), &reinterpret_cast<sockaddr_in6&>(address).sin6_addr);
    if (::bind(listener.get(), generic, family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6)) != 0)
      GTEST_SKIP() << "no IPv6 here";
    ASSERT_EQ(::listen(listener.get(), 1), 0);
    ::getsockname(listener.get(), generic, &size);
    const base::Fd client(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::connect(client.get(), generic, size), 0);
    const base::Fd accepted(::accept(listener.get(), nullptr, nullptr));
    const auto seen = addresses_of(accepted.get());
    EXPECT_EQ(seen.address, host == "::1" ? "::1" : "127.0.0.1");
    EXPECT_EQ(seen.server_address, seen.address);
    EXPECT_EQ(seen.name, "unknown");
    const auto other = addresses_of(client.get());
    EXPECT_EQ(seen.port, other.server_port);
    EXPECT_EQ(seen.server_port, other.port);
  }
}

TEST(PeerAddress, OfWhoIsGoneIsUnknown) {
  const base::Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));  // has no peer either
  const auto client = addresses_of(listener.get());
  EXPECT_EQ(client.name_and_address(), "unknown[unknown]");
  EXPECT_NE(client.name_status, Status::found);
}

}  // namespace
}  // namespace smtpd
