#include "config/own_networks.h"

#include <arpa/inet.h>

namespace {

config::InterfaceAddress address(const char* text, int prefix_length) {
  config::InterfaceAddress result;
  result.is_ipv6 = std::string_view(text).contains(':');
  result.prefix_length = prefix_length;
  EXPECT_EQ(::inet_pton(result.is_ipv6 ? AF_INET6 : AF_INET, text, result.address.data()), 1);
  return result;
}

const std::vector<config::InterfaceAddress> kMachine{
    address("127.0.0.1", 8),      address("10.1.2.4", 24),    address("172.16.5.1", 20),
    address("192.168.1.130", 25), address("10.8.8.8", 32),    address("224.1.1.1", 24),
    address("10.1.2.3", 24),      address("2001:db8::5", 61), address("::1", 128)};

std::string networks(std::string_view interfaces, std::string_view protocols, std::string_view style) {
  const auto chosen = config::choose_addresses(kMachine, interfaces, protocols);
  if (!chosen) return chosen.error().text;
  const auto text = config::networks_text(*chosen, style);
  return text ? *text : text.error().text;
}

// The results are those of Postfix 3.7 on a machine with these addresses.
TEST(OwnNetworks, HostsSubnetsAndClassesEachOnce) {
  EXPECT_EQ(
      networks("all", "all", "host"),
      "127.0.0.1/32 10.1.2.4/32 172.16.5.1/32 192.168.1.130/32 10.8.8.8/32 224.1.1.1/32 10.1.2.3/32 [2001:db8::5]/128 "
      "[::1]/128");
  EXPECT_EQ(
      networks("all", "all", "subnet"),
      "127.0.0.0/8 10.1.2.0/24 172.16.0.0/20 192.168.1.128/25 10.8.8.8/32 224.1.1.0/24 [2001:db8::]/61 [::1]/128");
  EXPECT_EQ(networks("all", "all", "class"),
            "127.0.0.0/8 10.0.0.0/8 172.16.0.0/16 192.168.1.0/24 224.0.0.0/4 [2001:db8::]/61 [::1]/128");
}

TEST(OwnNetworks, ProtocolsChoose) {
  EXPECT_EQ(networks("loopback-only", "all", "host"), "127.0.0.1/32 [::1]/128");
  EXPECT_EQ(networks("loopback-only", "ipv4", "host"), "127.0.0.1/32");
  EXPECT_EQ(networks("loopback-only", "ipv6", "host"), "[::1]/128");
  EXPECT_EQ(networks("loopback-only", "ipv6, ipv4", "host"), "127.0.0.1/32 [::1]/128");
  EXPECT_EQ(networks("all", "IPV4", "host"), "unknown inet_protocols value \"IPV4\" in \"IPV4\"");
}

TEST(OwnNetworks, NamedInterfacesAreSortedAsPostfixSortsThem) {
  EXPECT_EQ(networks("::1, 127.0.0.1", "all", "host"), "127.0.0.1/32 [::1]/128");
  EXPECT_EQ(networks("192.168.1.130 10.8.8.8 172.16.5.1 [2001:db8::5]", "all", "host"),
            "172.16.5.1/32 10.8.8.8/32 192.168.1.130/32 [2001:db8::5]/128");
  EXPECT_EQ(networks("10.1.2.4,10.1.2.3 10.1.2.4", "ipv4", "host"), "10.1.2.3/32 10.1.2.4/32");
  EXPECT_EQ(networks("", "all", "host"), "");
}

TEST(OwnNetworks, AddressesOfOthersAreAnError) {
  EXPECT_EQ(networks("10.9.9.9", "all", "host"), "parameter inet_interfaces: no local interface found for 10.9.9.9");
  EXPECT_EQ(networks("::1 127.0.0.1", "ipv4", "host"), "config variable inet_interfaces: host not found: ::1");
}

TEST(OwnNetworks, AStyleIsOneWord) {
  EXPECT_EQ(networks("all", "all", "subnet, host"),
            "bad mynetworks_style value: subnet, host; specify exactly one value");
  EXPECT_EQ(networks("all", "all", "SUBNET"),
            "unknown mynetworks_style value \"SUBNET\" in \"SUBNET\"; it is host, subnet or class");
}

}  // namespace
