// What the system's files say.

#include <gtest/gtest.h>

#include "dns/cache.h"
#include "dns/hosts.h"
#include "dns/names.h"
#include "dns/resolv_conf.h"

namespace {

using dns::parse_resolv_conf;

TEST(ResolvConf, NamesServersAndOptions) {
  const auto conf = parse_resolv_conf(
      "# mine\nsearch example.test\nnameserver 192.0.2.1\nnameserver 2001:db8::1 # second\n"
      "options timeout:3 attempts:4 rotate ndots:2\n");
  ASSERT_EQ(conf.servers.size(), 2U);
  EXPECT_EQ(conf.servers[0].address, "192.0.2.1");
  EXPECT_EQ(conf.servers[1].address, "2001:db8::1");
  EXPECT_EQ(conf.servers[1].port, "53");
  EXPECT_EQ(conf.timeout.count(), 3);
  EXPECT_EQ(conf.attempts, 4);
  EXPECT_TRUE(conf.rotate);
}

TEST(ResolvConf, WithoutServersMeansThisMachine) {
  EXPECT_EQ(parse_resolv_conf("").servers, std::vector<dns::NameServer>{{"127.0.0.1"}});
  EXPECT_EQ(parse_resolv_conf("nameserver nonsense\nnameserver\n").servers.at(0).address, "127.0.0.1");
}

TEST(ResolvConf, TakesThreeServersAndBoundedNumbers) {
  const auto conf = parse_resolv_conf(
      "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n"
      "options timeout:999999 attempts:-5\n");
  EXPECT_EQ(conf.servers.size(), 3U);
  EXPECT_EQ(conf.timeout.count(), 30);
  EXPECT_EQ(conf.attempts, 1);
}

TEST(ResolvConf, AServerMayHaveAPort) {
  const auto conf = parse_resolv_conf("nameserver 127.0.0.1:5353\nnameserver [::1]:54\nnameserver 127.0.0.1:0\n");
  ASSERT_EQ(conf.servers.size(), 2U);
  EXPECT_EQ(conf.servers[0], (dns::NameServer{"127.0.0.1", "5353"}));
  EXPECT_EQ(conf.servers[1], (dns::NameServer{"::1", "54"}));
}

TEST(Hosts, GiveTheFirstNameOfAnAddress) {
  const dns::Hosts hosts("192.0.2.1 one.test one # first\n192.0.2.1 other.test\n2001:DB8:0::1 six.test\nrubbish x\n");
  EXPECT_EQ(hosts.name_of("192.0.2.1"), "one.test");
  EXPECT_EQ(hosts.name_of("2001:db8::1"), "six.test");
  EXPECT_EQ(hosts.name_of("192.0.2.2"), "");
}

TEST(Hosts, GiveAllAddressesOfAName) {
  const dns::Hosts hosts("192.0.2.1 One.test\n192.0.2.2\tx one.TEST\n192.0.2.1 one.test\n");
  EXPECT_EQ(hosts.addresses_of("ONE.test"), (std::vector<std::string>{"192.0.2.1", "192.0.2.2"}));
  EXPECT_TRUE(hosts.addresses_of("two.test").empty());
}

TEST(Names, AreFoldedAndCheckedBeforeTheyAreAskedFor) {
  EXPECT_EQ(dns::ascii_name("Example.TEST.", false), "example.test");
  EXPECT_EQ(dns::ascii_name("_25._tcp.x.test", false), "_25._tcp.x.test");
  const std::string long_label(300, 'a');
  for (const std::string_view bad : {"", ".", "a..b", "a b", "-a.test", long_label.c_str(), "1.2.3.4"})
    EXPECT_EQ(dns::ascii_name(bad, true), "") << bad;
}

TEST(Names, InUtf8AreAskedForInAceForm) {
  EXPECT_EQ(dns::ascii_name("b\xc3\xbc"
                            "cher.test",
                            true),
            "xn--bcher-kva.test");
  EXPECT_EQ(dns::ascii_name("B\xc3\x9c"
                            "cher.test",
                            true),
            "xn--bcher-kva.test");
  EXPECT_EQ(dns::ascii_name("b\xc3\xbc"
                            "cher.test",
                            false),
            "");
  EXPECT_EQ(dns::ascii_name("b\xff"
                            "cher.test",
                            true),
            "");
}

TEST(Names, OfAddressesAreReversed) {
  EXPECT_EQ(dns::reverse_name("1.2.3.4"), "4.3.2.1.in-addr.arpa");
  EXPECT_EQ(dns::reversed("1.2.3.4"), "4.3.2.1");
  EXPECT_EQ(dns::reverse_name("2001:db8::1"),
            "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
  EXPECT_EQ(dns::reverse_name("unknown"), "");
  EXPECT_EQ(dns::reversed("1.2.3"), "");
}

class CacheTest : public testing::Test {
 protected:
  using Seconds = std::chrono::seconds;
  io::Clock::time_point start = io::Clock::now();
  static dns::Answer of(std::string data, std::uint32_t ttl = 100) {
    return std::vector{dns::Record{dns::Type::txt, "x.test", ttl, std::move(data)}};
  }
};

TEST_F(CacheTest, KeepsAnAnswerForItsLife) {
  dns::Cache cache(10, 10000);
  cache.put("k", of("v"), Seconds(30), start);
  const auto found = cache.find("k", start + Seconds(29));
  ASSERT_TRUE(found);
  EXPECT_EQ((*found)->at(0).ttl, 71U);
  EXPECT_FALSE(cache.find("k", start + Seconds(30)));
  EXPECT_EQ(cache.bytes(), 0U);
}

TEST_F(CacheTest, ForgetsWhatWasNotUsedForLongest) {
  dns::Cache cache(2, 10000);
  cache.put("a", of("1"), Seconds(30), start);
  cache.put("b", of("2"), Seconds(30), start);
  EXPECT_TRUE(cache.find("a", start));
  cache.put("c", of("3"), Seconds(30), start);
  EXPECT_TRUE(cache.find("a", start));
  EXPECT_FALSE(cache.find("b", start));
}

TEST_F(CacheTest, HoldsNoMoreThanItsBytes) {
  dns::Cache cache(1000, 5000);
  for (int index = 0; index < 100; ++index)
    cache.put(std::to_string(index), of(std::string(1000, 'x')), Seconds(30), start);
  EXPECT_LE(cache.bytes(), 5000U);
  EXPECT_GE(cache.size(), 2U);
  cache.put("huge", of(std::string(6000, 'x')), Seconds(30), start);
  EXPECT_FALSE(cache.find("huge", start));
}

TEST_F(CacheTest, KeepsNothingWithoutALife) {
  dns::Cache cache(10, 10000);
  cache.put("k", of("v"), Seconds(0), start);
  EXPECT_FALSE(cache.find("k", start));
}

}  // namespace
