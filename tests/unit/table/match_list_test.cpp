#include "table/match_list.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "logging/log.h"

namespace {

using table::MatchList;

constexpr MatchList::Rules kParents{true};
constexpr MatchList::Rules kDots{false};

MatchList list(std::string_view value, MatchList::Rules rules = kDots) {
  return {"mynetworks", value, {}, rules};
}

std::string shown(const std::expected<bool, table::Error>& answer) {
  if (!answer) return answer.error().text;
  return *answer ? "yes" : "no";
}

std::string host(std::string_view value, std::string_view address, std::string_view name = "unknown",
                 MatchList::Rules rules = kDots) {
  return shown(list(value, rules).has_host(name, address));
}

std::string domain(std::string_view value, std::string_view name, MatchList::Rules rules = kDots) {
  return shown(list(value, rules).has_domain(name));
}

struct Case {
  std::string_view value;
  std::string_view asked;
  std::string_view answer;
};

// Files that lists include.
class MatchListFiles : public testing::Test {
 protected:
  MatchListFiles() {
    char name[] = "/tmp/match_list_test.XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~MatchListFiles() override {
    for (const auto& path : files_) ::unlink(path.c_str());
    ::rmdir(folder_.c_str());
  }
  std::string path(std::string_view name) const { return folder_ + "/" + std::string(name); }
  std::string file(std::string_view name, std::string_view content) {
    files_.push_back(path(name));
    std::ofstream(files_.back()) << content;
    return files_.back();
  }

  std::string folder_;
  std::vector<std::string> files_;
};

TEST(MatchListHost, ComparesAddressesAndNetworks) {
  constexpr Case kCases[] = {
      {"192.0.2.7", "192.0.2.7", "yes"},
      {"192.0.2.7", "192.0.2.70", "no"},
      {"192.0.2.0/24", "192.0.2.7", "yes"},
      {"192.0.2.0/24", "192.0.3.7", "no"},
      {"192.0.2.7/32", "192.0.2.7", "yes"},
      {"192.0.2.7/032", "192.0.2.7", "yes"},
      {"0.0.0.0/0", "192.0.2.7", "yes"},
      {"10.0.0.0/8 127.0.0.0/8, 192.0.2.0/24", "127.9.9.9", "yes"},
      {"[192.0.2.7]", "192.0.2.7", "yes"},
      {"[192.0.2.0]/24", "192.0.2.7", "yes"},
      {"[2001:db8::]/32", "2001:db8::9", "yes"},
      {"[2001:db8::]/32", "2001:db9::9", "no"},
      {"[2001:db8::/32]", "2001:db8::9", "yes"},
      {"[2001:DB8:0::1]", "2001:db8::1", "yes"},
      {"[::0001]", "::1", "yes"},
      {"[::]/0", "2001:db8::9", "yes"},
      {"192.0.2.07", "192.0.2.7", "no"},
      {"192.0.2", "192.0.2.7", "no"},
      {"300.1.2.3", "192.0.2.7", "no"},
      {"192.0.2.0/x", "192.0.2.7", "no"},
      {"[2001:db8::]/32x", "2001:db8::9", "no"},
      {"[2001:zz::]/12", "2001:db8::9", "no"},
      {"{192.0.2.7}", "192.0.2.7", "no"},
      {"2.7", "192.0.2.7", "no"},
      {".2.7", "192.0.2.7", "no"},
      {"", "192.0.2.7", "no"},
      {"192.0.2.7", "", "no"},
      {"192.0.2.0/24", "junk", "no"},
  };
  for (const auto& each : kCases)
    EXPECT_EQ(host(each.value, each.asked), each.answer) << each.value << " " << each.asked;
}

TEST(MatchListHost, TakesAnIpv4ClientOnAnIpv6SocketForWhatItIs) {
  EXPECT_EQ(host("192.0.2.0/24", "::ffff:192.0.2.7"), "yes");
  EXPECT_EQ(host("192.0.2.0/24", "::FFFF:192.0.2.7"), "yes");
}

TEST(MatchListHost, NeverMatchesAcrossFamilies) {
  EXPECT_EQ(host("[::]/0", "192.0.2.7"), "no");
  EXPECT_EQ(host("[::]/0", "::ffff:192.0.2.7"), "no");
  EXPECT_EQ(host("[::ffff:0:0]/96", "192.0.2.7"), "no");
  EXPECT_EQ(host("0.0.0.0/0", "2001:db8::1"), "no");
}

TEST(MatchListHost, LetsTheFirstMatchDecide) {
  EXPECT_EQ(host("!192.0.2.7 192.0.2.0/24", "192.0.2.7"), "no");
  EXPECT_EQ(host("!192.0.2.7 192.0.2.0/24", "192.0.2.8"), "yes");
  EXPECT_EQ(host("192.0.2.0/24 !192.0.2.7", "192.0.2.7"), "yes");
  EXPECT_EQ(host("!!192.0.2.7", "192.0.2.7"), "yes");
}

TEST(MatchListHost, TriesNamesToo) {
  EXPECT_EQ(host("client.test", "192.0.2.7", "client.test"), "yes");
  EXPECT_EQ(host("client.test", "192.0.2.7", "a.client.test"), "no");
  EXPECT_EQ(host("client.test", "192.0.2.7", "a.client.test", kParents), "yes");
  EXPECT_EQ(host(".client.test", "192.0.2.7", "a.client.test"), "yes");
  EXPECT_EQ(host("!a.client.test .client.test", "192.0.2.7", "a.client.test"), "no");
  EXPECT_EQ(host("unknown", "192.0.2.7"), "yes");
}

TEST(MatchListHost, TellsOfBadNetworksInPostfixsWords) {
  constexpr Case kCases[] = {
      {"192.0.2.1/24", "",
       "mynetworks: non-null host address bits in \"192.0.2.1/24\", perhaps you should use \"192.0.2.0/24\" instead"},
      {"!192.0.2.1/24", "",
       "mynetworks: non-null host address bits in \"192.0.2.1/24\", perhaps you should use \"192.0.2.0/24\" instead"},
      {"[2001:db8::1]/32", "",
       "mynetworks: non-null host address bits in \"2001:db8::1/32\", perhaps you should use \"2001:db8::/32\" "
       "instead"},
      {"192.0.2.0/33", "", "mynetworks: bad mask length in \"192.0.2.0/33\""},
      {"[2001:db8::]/129", "", "mynetworks: bad mask length in \"2001:db8::/129\""},
      {"192.0.2.0/", "", "mynetworks: bad mask value in \"192.0.2.0/\""},
      {"192.0.2/24", "", "mynetworks: bad network value in \"192.0.2/24\""},
      {"0/0", "", "mynetworks: bad network value in \"0/0\""},
      {"300.1.2.3/8", "", "mynetworks: bad network value in \"300.1.2.3/8\""},
      {"!", "", "mynetworks: no pattern after '!'"},
      {"! 192.0.2.7", "", "mynetworks: no pattern after '!'"},
  };
  for (const auto& each : kCases) EXPECT_EQ(host(each.value, "192.0.2.7"), each.answer) << each.value;
}

TEST(MatchListHost, LetsThePatternsBeforeAMistakeDecide) {
  EXPECT_EQ(host("192.0.2.7 192.0.2.1/24", "192.0.2.7"), "yes");
  EXPECT_TRUE(host("192.0.2.1/24 192.0.2.7", "192.0.2.7").contains("non-null host address bits"));
}

TEST(MatchListHost, CannotTellWhenATableCannot) {
  EXPECT_TRUE(host("fail:x", "192.0.2.7").starts_with("mynetworks: fail:x: table lookup problem"));
  EXPECT_TRUE(host("!fail:x 192.0.2.7", "192.0.2.7").starts_with("mynetworks: fail:x: table lookup problem"));
  EXPECT_EQ(host("192.0.2.7 fail:x", "192.0.2.7"), "yes");
  EXPECT_TRUE(host("bogus:x", "192.0.2.7")
                  .starts_with("mynetworks: bogus:x: table lookup problem: unsupported dictionary type: bogus"));
}

TEST(MatchListHost, TellsOfMissingBrackets) {
  EXPECT_TRUE(host("2001:db8::/32", "2001:db8::1").ends_with("(specify [2001:db8::]/32 for an IPv6 address)"));
  EXPECT_TRUE(host("::1", "::1").ends_with("(specify [::1] for an IPv6 address)"));
  EXPECT_FALSE(host("bogus:x", "::1").contains("IPv6"));
}

TEST(MatchListHost, AsksTablesForNameParentsAndWholeAddress) {
  EXPECT_EQ(host("inline:{192.0.2.7=x}", "192.0.2.7"), "yes");
  EXPECT_EQ(host("inline:{192.0.2.7=x}", "::ffff:192.0.2.7"), "yes");
  EXPECT_EQ(host("inline:{192.0.2=x}", "192.0.2.7"), "no");
  EXPECT_EQ(host("inline:{{192.0.2.7 = x}, 1=2}", "192.0.2.7"), "yes");
  EXPECT_EQ(host("inline:{unknown=x}", "192.0.2.7"), "yes");
  EXPECT_EQ(host("inline:{a.client.test=x}", "192.0.2.7", "A.client.test"), "yes");
  EXPECT_EQ(host("!inline:{192.0.2.7=x} 0.0.0.0/0", "192.0.2.7"), "no");
  EXPECT_EQ(host("static:x", "192.0.2.7"), "yes");
  EXPECT_EQ(host("cidr:{{192.0.2.0/24 OK}}", "192.0.2.7"), "yes");
}

TEST(MatchListDomain, MatchesSubdomainsByDotOrByRule) {
  struct {
    std::string_view value, name, dots, parents;
  } constexpr kCases[] = {
      {"example.com", "example.com", "yes", "yes"},
      {"example.com", "EXAMPLE.com", "yes", "yes"},
      {"Example.COM", "example.com", "yes", "yes"},
      {"example.com", "a.example.com", "no", "yes"},
      {"example.com", "a.b.example.com", "no", "yes"},
      {"example.com", "notexample.com", "no", "no"},
      {"example.com", "com", "no", "no"},
      {".example.com", "a.example.com", "yes", "no"},
      {".example.com", "example.com", "no", "no"},
      {".example.com", "notexample.com", "no", "no"},
      {"[192.0.2.1]", "[192.0.2.1]", "yes", "yes"},
      {"2.1", "192.0.2.1", "no", "no"},
      {".2.1", "192.0.2.1", "no", "no"},
      {".", "a.b", "no", "no"},
      {"*.example.com", "a.example.com", "no", "no"},
      {"!a.example.com, .example.com, example.com", "a.example.com", "no", "no"},
      {"bücher.example", "BÜCHER.example", "yes", "yes"},
      {"inline:{example.com=x}", "example.com", "yes", "yes"},
      {"inline:{example.com=x}", "a.b.example.com", "no", "yes"},
      {"inline:{.example.com=x}", "a.b.example.com", "yes", "no"},
      {"inline:{.com=x}", "a.b.example.com", "yes", "no"},
      {"inline:{com=x}", "a.b.example.com", "no", "yes"},
      {"regexp:{{/^a.example.com$/ x}}", "a.example.com", "yes", "yes"},
      {"regexp:{{/^.?example.com$/ x}}", "a.example.com", "no", "no"},
      {"", "example.com", "no", "no"},
      {"example.com", "", "no", "no"},
      {"a b,c", "c", "yes", "yes"},
  };
  for (const auto& each : kCases) {
    EXPECT_EQ(domain(each.value, each.name, kDots), each.dots) << each.value << " " << each.name;
    EXPECT_EQ(domain(each.value, each.name, kParents), each.parents) << each.value << " " << each.name;
  }
}

TEST(MatchListDomain, DoesNotLookAtNetworks) {
  EXPECT_EQ(domain("192.0.2.1/24 example.com", "example.com"), "yes");
}

TEST(MatchListString, ComparesWordsWithoutParents) {
  const auto string = [](std::string_view value, std::string_view text) { return shown(list(value).has_string(text)); };
  EXPECT_EQ(string("!www, static:all", "www"), "no");
  EXPECT_EQ(string("!www, static:all", "ann"), "yes");
  EXPECT_EQ(string("Ann", "ann"), "yes");
  EXPECT_EQ(string(".ann", "x.ann"), "no");
  EXPECT_EQ(string("inline:{ann=x}", "ann"), "yes");
  EXPECT_EQ(string("inline:{.b=x}", "a.b"), "no");
  EXPECT_EQ(string("", "ann"), "no");
  EXPECT_EQ(string("static:all", ""), "no");
}

TEST(MatchListAddress, ComparesTheWholeAddressOrTheDomain) {
  const auto address = [](std::string_view value, std::string_view text) {
    return shown(list(value).has_address(text));
  };
  EXPECT_EQ(address("user@example.com", "User@Example.com"), "yes");
  EXPECT_EQ(address("user@example.com", "other@example.com"), "no");
  EXPECT_EQ(address("example.com", "other@example.com"), "yes");
  EXPECT_EQ(address(".example.com", "other@a.example.com"), "yes");
  EXPECT_EQ(address("!user@example.com example.com", "user@example.com"), "no");
  EXPECT_EQ(address("inline:{user@example.com=x}", "user@example.com"), "yes");
  EXPECT_EQ(address("inline:{example.com=x}", "user@example.com"), "yes");
  EXPECT_EQ(address("regexp:{{/^user@/ x}}", "user@example.com"), "yes");
  EXPECT_EQ(address("regexp:{{/^example.com$/ x}}", "user@example.com"), "no");
  EXPECT_EQ(address("example.com", "user"), "no");
}

TEST(MatchListCheck, FindsEachMistakeAtOnce) {
  const auto errors = list("10.0.0.1/8 ok.test ! [2001:db8::1]/32 {a}").check();
  ASSERT_EQ(errors.size(), 4u);
  EXPECT_TRUE(errors[0].text.starts_with("mynetworks: non-null host address bits in \"10.0.0.1/8\""));
  EXPECT_EQ(errors[1].text, "mynetworks: no pattern after '!'");
  EXPECT_TRUE(errors[3].text.contains("braces make no group here"));
  EXPECT_TRUE(list("10.0.0.0/8 !a.test .b.test [::1] static:x").check().empty());
}

TEST_F(MatchListFiles, StandForTheirPatterns) {
  const std::string name = file("a", "192.0.2.0/24\n# comment\n  10.0.0.0/8, !host.test\n\n[2001:db8::]/32\n");
  EXPECT_EQ(host(name, "192.0.2.7"), "yes");
  EXPECT_EQ(host(name, "10.1.2.3"), "yes");
  EXPECT_EQ(host(name, "2001:db8::1"), "yes");
  EXPECT_EQ(host(name + " 198.51.100.7", "198.51.100.7"), "yes");
  EXPECT_EQ(host(name + " 198.51.100.7", "198.51.100.7", "host.test"), "no");
}

TEST_F(MatchListFiles, CanBeNegatedAsAWhole) {
  const std::string value = "!" + file("a", "192.0.2.0/24 !host.test") + " 0.0.0.0/0";
  EXPECT_EQ(host(value, "192.0.2.7"), "no");
  EXPECT_EQ(host(value, "198.51.100.7"), "yes");
  EXPECT_EQ(host("!" + path("a"), "198.51.100.7", "host.test"), "yes");
}

TEST_F(MatchListFiles, MayNameFilesAndTables) {
  const std::string inner = file("inner", "inline:{ {192.0.2.7 = x}, {b = c} }");
  EXPECT_EQ(host(file("outer", inner + "\n"), "192.0.2.7"), "yes");
}

TEST_F(MatchListFiles, ThatAreMissingMakeTheAnswerAnError) {
  EXPECT_EQ(host("/nonexistent/x", "192.0.2.7"), "mynetworks: open file /nonexistent/x: No such file or directory");
  EXPECT_EQ(domain("example.com /nonexistent/x", "example.com"), "yes");
  EXPECT_EQ(host(folder_, "192.0.2.7"), "mynetworks: open file " + folder_ + ": Is a directory");
}

TEST_F(MatchListFiles, GiveTheirLineInMistakes) {
  const std::string name = file("a", "# first\n192.0.2.1/24\n");
  EXPECT_TRUE(host(name, "192.0.2.7").starts_with("mynetworks: " + name + ", line 2: non-null host address bits"));
}

TEST_F(MatchListFiles, MayNotIncludeThemselves) {
  const std::string name = file("a", path("b"));
  file("b", name);
  EXPECT_TRUE(host(name, "192.0.2.7").ends_with("the file includes itself"));
}

TEST_F(MatchListFiles, EndAtADepthAndAtANumber) {
  for (int i = 0; i < 30; ++i) {
    const std::string next = path(std::to_string(i + 1));
    file(std::to_string(i), next + "\n" + next + "\n");
  }
  file("30", "192.0.2.7\n");
  EXPECT_TRUE(host(path("0"), "192.0.2.7").contains("too many levels"));
  EXPECT_EQ(host(path("25"), "192.0.2.7"), "yes");
}

TEST_F(MatchListFiles, WarnOfCommentsBehindPatterns) {
  const logging::Capture log;
  const std::string name = file("a", "192.0.2.7 # a comment\n");
  EXPECT_EQ(host(name, "192.0.2.7"), "yes");
  EXPECT_TRUE(log.contains("mynetworks: " + name + ", line 1: comment at end of line is not supported: # a comment"));
  EXPECT_EQ(host(name, "192.0.2.7", "comment"), "yes");
  EXPECT_EQ(host(name, "198.51.100.1", "comment"), "no");
}

}  // namespace
