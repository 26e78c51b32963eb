#include "table/cidr.h"

#include <random>

#include "asking.h"

namespace table {
namespace {

struct Case {
  std::string_view rules;
  std::string_view key;
  std::string_view answer;
  std::string_view warnings;
};

// What Postfix 3.7.11 makes of them.
const Case kCases[] = {
    {"10.0.0.0/8 x", "10.1.2.3", "x", ""},
    {"10.0.0.1/8 x", "10.1.2.3", kNothing,
     "line 1: non-null host address bits in \"10.0.0.1/8\", perhaps you should use \"10.0.0.0/8\" instead: skipping "
     "this rule"},
    {"10.0.0.0/33 x", "10.1.2.3", kNothing, "line 1: bad mask length in \"10.0.0.0/33\": skipping this rule"},
    {"10.0.0.0/ x", "10.1.2.3", kNothing, "line 1: bad mask value in \"10.0.0.0/\": skipping this rule"},
    {"10.0.0.0/a x", "10.1.2.3", kNothing, "line 1: bad mask value in \"10.0.0.0/a\": skipping this rule"},
    {"10.0.0.0/-1 x", "10.1.2.3", kNothing, "line 1: bad mask value in \"10.0.0.0/-1\": skipping this rule"},
    {"10.0.0.0/08 x", "10.1.2.3", "x", ""},
    {"10.0.0.0/8", "10.1.2.3", kNothing, "line 1: no lookup result: skipping this rule"},
    {"[10.1.2.3] x", "10.1.2.3", "x", ""},
    {"[10.0.0.0]/8 x", "10.1.2.3", "x", ""},
    {"[10.0.0.0/8] x", "10.1.2.3", "x", ""},
    {"[10.0.0.0/8 x", "10.1.2.3", kNothing, "line 1: missing ']' character after \"[10.0.0.0/8\": skipping this rule"},
    {"10.0.0.0] x", "10.1.2.3", kNothing, "line 1: bad address pattern: \"10.0.0.0]\": skipping this rule"},
    {"010.1.2.3 x", "10.1.2.3", kNothing, "line 1: bad address pattern: \"010.1.2.3\": skipping this rule"},
    {"10.1.2 x", "10.1.2.3", kNothing, "line 1: bad address pattern: \"10.1.2\": skipping this rule"},
    {"10.1.2.256 x", "10.1.2.3", kNothing, "line 1: bad address pattern: \"10.1.2.256\": skipping this rule"},
    {"foo x", "10.1.2.3", kNothing, "line 1: bad address pattern: \"foo\": skipping this rule"},
    {"0.0.0.0/0 x", "10.1.2.3", "x", ""},
    {"::/0 x", "10.1.2.3", kNothing, ""},
    {"::/0 x", "::1", "x", ""},
    {"::/0 x", "2001:db8::1", "x", ""},
    {"!10.0.0.0/8 x", "10.1.2.3", kNothing, ""},
    {"!11.0.0.0/8 x", "10.1.2.3", "x", ""},
    {"! 11.0.0.0/8 x", "10.1.2.3", "x", ""},
    {"!!10.0.0.0/8 x", "10.1.2.3", "x", ""},
    {"if 10.0.0.0/8\n10.1.2.3 in\nendif", "10.1.2.3", "in", ""},
    {"if 10.0.0.0/8 foo\n10.1.2.3 in\nendif", "10.1.2.3", "in",
     "line 1: bad mask value in \"10.0.0.0/8 foo\": skipping this rule|line 3: ENDIF without IF: skipping this rule"},
    {"if !11.0.0.0/8\n0.0.0.0/0 in\nendif foo", "10.1.2.3", "in",
     "line 3: garbage after ENDIF: skipping this rule|line 1: IF has no matching ENDIF"},
    {"if\nendif", "10.1.2.3", kNothing,
     "line 1: no address pattern: skipping this rule|line 2: ENDIF without IF: skipping this rule"},
    {"endif", "10.1.2.3", kNothing, "line 1: ENDIF without IF: skipping this rule"},
    {"if !", "10.1.2.3", kNothing, "line 1: no address pattern: skipping this rule"},
    {"!", "10.1.2.3", kNothing, "line 1: no address pattern: skipping this rule"},
    {"if10.0.0.0/8\n10.1.2.3 in\nendif", "10.1.2.3", "in",
     "line 1: bad network value in \"if10.0.0.0/8\": skipping this rule|line 3: ENDIF without IF: skipping this rule"},
    {"if!10.0.0.0/8\n10.1.2.3 in\nendif\n0.0.0.0/0 out", "10.1.2.3", "out", ""},
    {"IF 10.0.0.0/8\n10.1.2.3 in\nEndIf", "10.1.2.3", "in", ""},
    {"10.1.2.3 x\n y", "10.1.2.3", "x y", ""},
    {"10.1.2.3\tx\ty ", "10.1.2.3", "x\ty", ""},
    {"10.1.2.3 a\n10.1.2.3 b", "10.1.2.3", "a", ""},
    {"10.0.0.0/8x y", "10.1.2.3", kNothing, "line 1: bad mask value in \"10.0.0.0/8x\": skipping this rule"},
    {"10.0.0.0 /8 y", "10.1.2.3", kNothing, ""},
    {"10.1.2.3/031 y", "10.1.2.3", kNothing,
     "line 1: non-null host address bits in \"10.1.2.3/031\", perhaps you should use \"10.1.2.2/31\" instead: skipping "
     "this rule"},
    {"10.1.2.0/255.255.255.0 y", "10.1.2.3", kNothing,
     "line 1: bad mask value in \"10.1.2.0/255.255.255.0\": skipping this rule"},
    {"0x0a.1.2.3 y", "10.1.2.3", kNothing, "line 1: bad address pattern: \"0x0a.1.2.3\": skipping this rule"},
    {"10.1.2.3: y", "10.1.2.3", kNothing, "line 1: bad address pattern: \"10.1.2.3:\": skipping this rule"},
    {"10.1.2.3: y", "::1", kNothing, "line 1: bad address pattern: \"10.1.2.3:\": skipping this rule"},
    {"10.1.2.3: y", "2001:db8::1", kNothing, "line 1: bad address pattern: \"10.1.2.3:\": skipping this rule"},
    {"::ffff:10.1.2.3 y", "10.1.2.3", kNothing, ""},
    {"::ffff:10.1.2.3 y", "::1", kNothing, ""},
    {"::ffff:10.1.2.3 y", "2001:db8::1", kNothing, ""},
    {"IPv6:::1 y", "10.1.2.3", kNothing, "line 1: bad address pattern: \"IPv6:::1\": skipping this rule"},
    {"IPv6:::1 y", "::1", kNothing, "line 1: bad address pattern: \"IPv6:::1\": skipping this rule"},
    {"IPv6:::1 y", "2001:db8::1", kNothing, "line 1: bad address pattern: \"IPv6:::1\": skipping this rule"},
    {"\"10.1.2.3\" x", "10.1.2.3", kNothing, "line 1: bad address pattern: \"\"10.1.2.3\"\": skipping this rule"},
    {"endif10.1.2.3 x", "10.1.2.3", kNothing, "line 1: bad address pattern: \"endif10.1.2.3\": skipping this rule"},
    {"[] x", "10.1.2.3", kNothing, "line 1: bad address pattern: \"\": skipping this rule"},
    {"[]/0 x", "10.1.2.3", kNothing, "line 1: bad network value in \"/0\": skipping this rule"},
    {"[10.0.0.0]/8/9 x", "10.1.2.3", kNothing, "line 1: bad mask value in \"10.0.0.0/8/9\": skipping this rule"},
    {"10.0.0.0/0 x", "10.1.2.3", kNothing,
     "line 1: non-null host address bits in \"10.0.0.0/0\", perhaps you should use \"0.0.0.0/0\" instead: skipping "
     "this rule"},
    {"!10.0.0.0/8", "10.1.2.3", kNothing, "line 1: no lookup result: skipping this rule"},
    {"if[10.0.0.0]/8\n10.1.2.3 in\nendif", "10.1.2.3", "in", ""},
    {"endif.x", "10.1.2.3", kNothing, "line 1: garbage after ENDIF: skipping this rule"},
    {"if/8", "10.1.2.3", kNothing, "line 1: bad network value in \"/8\": skipping this rule"},
    {"if !2001::/16\n10.1.2.3 in\nendif\n10.1.2.3 out", "10.1.2.3", "out", ""},
    {"if !2001::/16\n10.1.2.3 in\nendif\n10.1.2.3 out", "::1", kNothing, ""},
    {"if !2001::/16\n10.1.2.3 in\nendif\n10.1.2.3 out", "2001:db8::1", kNothing, ""},
    {"!2001::/16 notv6\n10.1.2.3 out", "10.1.2.3", "out", ""},
    {"!2001::/16 notv6\n10.1.2.3 out", "::1", "notv6", ""},
    {"!2001::/16 notv6\n10.1.2.3 out", "2001:db8::1", kNothing, ""},
    {"[::1 x", "10.1.2.3", kNothing, "line 1: missing ']' character after \"[::1\": skipping this rule"},
    {"[::1 x", "::1", kNothing, "line 1: missing ']' character after \"[::1\": skipping this rule"},
    {"[::1 x", "2001:db8::1", kNothing, "line 1: missing ']' character after \"[::1\": skipping this rule"},
    {"[::]1 x", "10.1.2.3", kNothing, "line 1: garbage after \"[::]\": skipping this rule"},
    {"[::]1 x", "::1", kNothing, "line 1: garbage after \"[::]\": skipping this rule"},
    {"[::]1 x", "2001:db8::1", kNothing, "line 1: garbage after \"[::]\": skipping this rule"},
    {"[::1]1 x", "10.1.2.3", kNothing, "line 1: garbage after \"[::1]\": skipping this rule"},
    {"[::1]1 x", "::1", kNothing, "line 1: garbage after \"[::1]\": skipping this rule"},
    {"[::1]1 x", "2001:db8::1", kNothing, "line 1: garbage after \"[::1]\": skipping this rule"},
    {"[::1] x", "10.1.2.3", kNothing, ""},
    {"[::1] x", "::1", "x", ""},
    {"[::1] x", "2001:db8::1", kNothing, ""},
    {"if [ ::1 ] foo\n::1 x\nendif", "10.1.2.3", kNothing,
     "line 1: garbage after \"[ ::1 ]\": skipping this rule|line 3: ENDIF without IF: skipping this rule"},
    {"if [ ::1 ] foo\n::1 x\nendif", "::1", "x",
     "line 1: garbage after \"[ ::1 ]\": skipping this rule|line 3: ENDIF without IF: skipping this rule"},
    {"if [ ::1 ] foo\n::1 x\nendif", "2001:db8::1", kNothing,
     "line 1: garbage after \"[ ::1 ]\": skipping this rule|line 3: ENDIF without IF: skipping this rule"},
    {"if ::1 foo\n::1 x\nendif", "10.1.2.3", kNothing,
     "line 1: bad address pattern: \"::1 foo\": skipping this rule|line 3: ENDIF without IF: skipping this rule"},
    {"if ::1 foo\n::1 x\nendif", "::1", "x",
     "line 1: bad address pattern: \"::1 foo\": skipping this rule|line 3: ENDIF without IF: skipping this rule"},
    {"if ::1 foo\n::1 x\nendif", "2001:db8::1", kNothing,
     "line 1: bad address pattern: \"::1 foo\": skipping this rule|line 3: ENDIF without IF: skipping this rule"},
    {"::1/0x10 x", "10.1.2.3", kNothing, "line 1: bad mask value in \"::1/0x10\": skipping this rule"},
    {"::1/0x10 x", "::1", kNothing, "line 1: bad mask value in \"::1/0x10\": skipping this rule"},
    {"::1/0x10 x", "2001:db8::1", kNothing, "line 1: bad mask value in \"::1/0x10\": skipping this rule"},
    {"2001:db8::1/32 hostbits", "10.1.2.3", kNothing,
     "line 1: non-null host address bits in \"2001:db8::1/32\", perhaps you should use \"2001:db8::/32\" instead: "
     "skipping this rule"},
    {"2001:db8::1/32 hostbits", "::1", kNothing,
     "line 1: non-null host address bits in \"2001:db8::1/32\", perhaps you should use \"2001:db8::/32\" instead: "
     "skipping this rule"},
    {"2001:db8::1/32 hostbits", "2001:db8::1", kNothing,
     "line 1: non-null host address bits in \"2001:db8::1/32\", perhaps you should use \"2001:db8::/32\" instead: "
     "skipping this rule"},
    {"fe80::1%eth0 z", "10.1.2.3", kNothing, "line 1: bad address pattern: \"fe80::1%eth0\": skipping this rule"},
    {"fe80::1%eth0 z", "::1", kNothing, "line 1: bad address pattern: \"fe80::1%eth0\": skipping this rule"},
    {"fe80::1%eth0 z", "2001:db8::1", kNothing, "line 1: bad address pattern: \"fe80::1%eth0\": skipping this rule"},
    {"2001:db8::/32 net", "10.1.2.3", kNothing, ""},
    {"2001:db8::/32 net", "::1", kNothing, ""},
    {"2001:db8::/32 net", "2001:db8::1", "net", ""},
    {"if ::/0\n2001:db8::/33 net\n!::1 other\nendif\n0.0.0.0/0 four", "10.1.2.3", "four", ""},
    {"if ::/0\n2001:db8::/33 net\n!::1 other\nendif\n0.0.0.0/0 four", "::1", kNothing, ""},
    {"if ::/0\n2001:db8::/33 net\n!::1 other\nendif\n0.0.0.0/0 four", "2001:db8::1", "net", ""},
    {"[10.0.0.0/8]/9 x", "10.1.2.3", kNothing, "line 1: bad network value in \"10.0.0.0/8/9\": skipping this rule"},
};

std::unique_ptr<CidrTable> table_of(std::string_view rules) {
  auto table = CidrTable::read("cidr:x", RuleLines::of_text("cidr", rules, "x"));
  return table ? std::move(*table) : nullptr;
}

TEST(Cidr, AnswersAndWarningsAreThoseOfPostfix) {
  for (const Case& expected : kCases) {
    SCOPED_TRACE(expected.rules);
    const logging::Capture capture;
    const auto table = table_of(expected.rules);
    ASSERT_TRUE(table);
    EXPECT_EQ(told(table->lookup(expected.key)), expected.answer);
    EXPECT_EQ(warnings(capture, "cidr map x, "), expected.warnings);
  }
}

TEST(Cidr, AddressesAreComparedAsBitsNotAsText) {
  const auto table = table_of("2001:db8::1 host\n");
  for (const char* key : {"2001:DB8:0:0::1", "2001:0db8::0001", "2001:db8:0:0:0:0:0.0.0.1"})
    EXPECT_EQ(told(table->lookup(key)), "host");
  for (const char* key :
       {"[2001:db8::1]", "2001:db8::1%eth0", "02001:db8::1", "IPv6:2001:db8::1", " 2001:db8::1", ""}) {
    EXPECT_EQ(told(table->lookup(key)), kNothing) << key;
  }
}

TEST(Cidr, AMappedAddressIsIpv6) {
  EXPECT_EQ(told(table_of("10.0.0.0/8 four\n::ffff:0:0/96 mapped\n")->lookup("::ffff:10.1.2.3")), "mapped");
}

TEST(Cidr, TheFirstOfManyOverlappingNetworksWins) {
  std::string rules;
  for (int i = 0; i < 20; ++i) rules += "192.0.2." + std::to_string(i) + " host" + std::to_string(i) + "\n";
  rules += "192.0.2.0/24 wide\n192.0.2.30 late\n0.0.0.0/0 all\n192.0.2.0/25 never\n";
  const auto table = table_of(rules);
  EXPECT_EQ(told(table->lookup("192.0.2.7")), "host7");
  EXPECT_EQ(told(table->lookup("192.0.2.30")), "wide");
  EXPECT_EQ(told(table->lookup("198.51.100.1")), "all");
  EXPECT_EQ(told(table->lookup("::")), kNothing);
}

class RandomRules {
 public:
  explicit RandomRules(unsigned seed) : random_(seed) {}
  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }

  // Addresses with few bits set, so that many networks hold them.
  std::string address() {
    if (below(3) > 0) return fmt::format("{}.{}.{}.{}", below(4), below(4) * 64, below(2), below(4));
    return fmt::format("{:x}:{:x}::{:x}", 0x2001 + below(2), below(4) * 0x4000, below(3));
  }
  std::string network() {
    const auto parsed = parse_address(address());
    const int length = static_cast<int>(below(static_cast<unsigned>(parsed->bits()) + 1));
    return fmt::format("{}/{}", address_text(masked(*parsed, length)), length);
  }
  std::string rules(unsigned count) {
    std::string text;
    for (unsigned i = 0; i < count; ++i) {
      const unsigned kind = below(100);
      if (kind < 4) {
        text += fmt::format("if {}{}\n", below(2) == 0 ? "!" : "", network());
      } else if (kind < 8) {
        text += "endif\n";
      } else {
        text += fmt::format("{}{} r{}\n", below(20) == 0 ? "!" : "", below(2) == 0 ? network() : address(), i);
      }
    }
    return text;
  }

 private:
  std::mt19937 random_;
};

TEST(Cidr, TheIndexAnswersAsAScanDoes) {
  const logging::Capture silence;
  for (unsigned seed = 0; seed < 300; ++seed) {
    RandomRules random(seed);
    const std::string rules = random.rules(5 + random.below(200));
    const auto table = table_of(rules);
    for (int i = 0; i < 100; ++i) {
      const std::string key = random.address();
      ASSERT_EQ(told(table->lookup(key)), told(table->lookup_without_index(key))) << key << "\n" << rules;
    }
  }
}

}  // namespace
}  // namespace table
