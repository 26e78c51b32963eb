#include "master/endpoints.h"

namespace {

using master::Endpoint;

master::Network network() {
  master::Network network;
  network.known_ports = *master::parse_known_ports("lmtp=24, smtp=25, smtps=submissions=465, submission=587");
  return network;
}

std::string texts(std::string_view name, const master::Network& asked = network()) {
  const auto endpoints = master::inet_endpoints(name, asked);
  if (!endpoints) return "error: " + endpoints.error().text;
  std::string all;
  for (const Endpoint& endpoint : *endpoints) all += (all.empty() ? "" : " ") + endpoint.text();
  return all;
}

std::string parts(std::string_view name) {
  const auto split = master::split_inet_name(name);
  return split ? split->host + "|" + split->port : split.error().text;
}

config::Service local(std::string name, config::ServiceType type, bool is_private) {
  config::Service service{};
  service.name = std::move(name);
  service.type = type;
  service.is_private = is_private;
  return service;
}

TEST(InetName, HostIsOptional) {
  EXPECT_EQ(parts(":25"), "|25");
  EXPECT_EQ(parts("smtp"), "|smtp");
  EXPECT_EQ(parts("127.0.0.1:10025"), "127.0.0.1|10025");
}

TEST(InetName, BracketsHoldAnAddressWithColons) {
  EXPECT_EQ(parts("[::1]:smtp"), "::1|smtp");
  EXPECT_EQ(parts("::1:smtp"), "::1|smtp");
  EXPECT_EQ(parts("[127.0.0.1]:25"), "127.0.0.1|25");
}

TEST(InetName, MistakesAreNamed) {
  EXPECT_EQ(parts("[::1:25"), "missing ']' in \"[::1:25\"");
  EXPECT_EQ(parts("[::1]25"), "missing ':port' after ']' in \"[::1]25\"");
  EXPECT_EQ(parts("host:"), "missing port in \"host:\"");
  EXPECT_EQ(parts("[]:25"), "missing host in \"[]:25\"");
}

TEST(KnownPorts, EachNameOfAGroupHasItsNumber) {
  const auto ports = master::parse_known_ports("lmtp=24, smtps=submissions=465");
  ASSERT_TRUE(ports);
  EXPECT_EQ(ports->at("smtps"), 465);
  EXPECT_EQ(ports->at("submissions"), 465);
  EXPECT_EQ(ports->at("lmtp"), 24);
}

TEST(KnownPorts, AnEntryWithoutAPortIsAMistake) {
  EXPECT_FALSE(master::parse_known_ports("smtp"));
  EXPECT_FALSE(master::parse_known_ports("smtp=mail"));
  EXPECT_FALSE(master::parse_known_ports("smtp=0"));
  EXPECT_FALSE(master::parse_known_ports("25=26"));
}

TEST(InetEndpoints, AllInterfacesAreAWildcardForEachProtocol) {
  EXPECT_EQ(texts("smtp"), "0.0.0.0:25 [::]:25");
}

TEST(InetEndpoints, ProtocolsChooseTheWildcards) {
  auto asked = network();
  asked.inet_protocols = "ipv4";
  EXPECT_EQ(texts("25", asked), "0.0.0.0:25");
  asked.inet_protocols = "ipv6";
  EXPECT_EQ(texts("25", asked), "[::]:25");
}

TEST(InetEndpoints, AKernelWithoutIpv6IsNoObstacleForTheRest) {
  auto asked = network();
  asked.has_ipv6 = false;
  EXPECT_EQ(texts("25", asked), "0.0.0.0:25");
}

TEST(InetEndpoints, AHostInTheNameReplacesInetInterfaces) {
  auto asked = network();
  asked.inet_interfaces = "loopback-only";
  EXPECT_EQ(texts("192.0.2.1:587", asked), "192.0.2.1:587");
  EXPECT_EQ(texts("[2001:db8::1]:submission", asked), "[2001:db8::1]:587");
}

TEST(InetEndpoints, AHostOfAnotherProtocolIsAnError) {
  auto asked = network();
  asked.inet_protocols = "ipv4";
  EXPECT_EQ(texts("[::1]:25", asked), "error: host \"::1\" has no address of the kinds that inet_protocols allows");
}

TEST(InetEndpoints, LoopbackOnlyIsWhatTheLoopbackInterfaceHas) {
  auto asked = network();
  asked.inet_interfaces = "loopback-only";
  asked.inet_protocols = "ipv4";
  EXPECT_EQ(texts("10025", asked), "127.0.0.1:10025");
}

TEST(InetEndpoints, PortsAreInRange) {
  EXPECT_EQ(texts("70000"), "error: bad port \"70000\": specify a number from 1 to 65535");
  EXPECT_EQ(texts("0"), "error: bad port \"0\": specify a number from 1 to 65535");
  EXPECT_TRUE(texts("no-such-service").starts_with("error: unknown service name \"no-such-service\""));
}

TEST(LocalEndpoint, PrivateAndPublicAreDirectories) {
  using config::ServiceType;
  EXPECT_EQ(master::local_endpoint(local("bounce", ServiceType::unix_stream, true))->path, "private/bounce");
  EXPECT_EQ(master::local_endpoint(local("pickup", ServiceType::fifo, false))->path, "public/pickup");
  EXPECT_EQ(master::local_endpoint(local("pickup", ServiceType::fifo, false))->kind, Endpoint::Kind::fifo);
  EXPECT_EQ(master::local_endpoint(local("postlog", ServiceType::unix_datagram, false))->kind,
            Endpoint::Kind::unix_datagram);
  EXPECT_EQ(master::local_endpoint(local("smtpd", ServiceType::pass, true))->kind, Endpoint::Kind::unix_stream);
}

TEST(LocalEndpoint, NamesStayBelowTheirDirectory) {
  using config::ServiceType;
  for (const char* name : {"..", "../x", "a/../../x", "x/", "/", "."}) {
    EXPECT_FALSE(master::local_endpoint(local(name, ServiceType::unix_stream, true))) << name;
  }
  EXPECT_FALSE(master::local_endpoint(local(std::string(200, 'x'), ServiceType::unix_stream, true)));
}

}  // namespace
