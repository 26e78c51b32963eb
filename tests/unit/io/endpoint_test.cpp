#include "io/socket.h"

#include <fmt/format.h>

#include <algorithm>

namespace {

using io::Endpoint;

std::string shown(std::string_view text, std::string_view type = "inet") {
  const auto endpoint = io::parse_endpoint(text, type);
  if (!endpoint) return "ERROR " + endpoint.error().text;
  if (endpoint->type == Endpoint::Type::unix_stream) return "unix " + endpoint->path;
  return "inet <" + endpoint->host + "> <" + endpoint->port + ">";
}

TEST(Endpoint, HasATypeOrTheDefaultOne) {
  EXPECT_EQ(shown("inet:mail.example:25"), "inet <mail.example> <25>");
  EXPECT_EQ(shown("mail.example:smtp"), "inet <mail.example> <smtp>");
  EXPECT_EQ(shown("unix:private/rewrite"), "unix private/rewrite");
  EXPECT_EQ(shown("private/rewrite", "unix"), "unix private/rewrite");
  EXPECT_EQ(shown("inet:a:1", "unix"), "inet <a> <1>");
}

TEST(Endpoint, AnIPv6AddressIsInBrackets) {
  EXPECT_EQ(shown("inet:[2001:db8::1]:25"), "inet <2001:db8::1> <25>");
  EXPECT_EQ(shown("[fe80::1%eth0]:25"), "inet <fe80::1%eth0> <25>");
  EXPECT_EQ(shown("[127.0.0.1]:25"), "inet <127.0.0.1> <25>");
  EXPECT_EQ(shown("2001:db8::1:25"),
            "ERROR bad endpoint \"2001:db8::1:25\": an IPv6 address must be in brackets: [address]:port");
}

TEST(Endpoint, AnEmptyHostIsAnyAddress) {
  EXPECT_EQ(shown("inet::2525"), "inet <> <2525>");
}

TEST(Endpoint, AHostNamedLikeATypeStaysAHost) {
  EXPECT_EQ(shown("inetd:25"), "inet <inetd> <25>");
  EXPECT_EQ(shown("unixes:25"), "inet <unixes> <25>");
}

TEST(Endpoint, WhatIsMissingIsNamed) {
  EXPECT_EQ(shown(""), "ERROR bad endpoint \"\": a port is missing: host:port");
  EXPECT_EQ(shown("inet:host"), "ERROR bad endpoint \"inet:host\": a port is missing: host:port");
  EXPECT_EQ(shown("inet:[]:25"), "ERROR bad endpoint \"inet:[]:25\": there is no address between the brackets");
  EXPECT_EQ(shown("unix:"), "ERROR bad endpoint \"unix:\": the path is missing");
  EXPECT_EQ(shown("host:25", "fifo"), "ERROR bad endpoint \"host:25\": the type must be inet or unix");
}

TEST(Endpoint, APortIsANumberThatExistsOrAName) {
  EXPECT_EQ(shown("h:65535"), "inet <h> <65535>");
  for (const std::string port : {"", "65536", "99999999999999999999", "+/", "2 5", "25\n"}) {
    EXPECT_EQ(shown("h:" + port).substr(0, 5), "ERROR") << port;
  }
  EXPECT_EQ(shown("h:" + std::string(64, 'p')).substr(0, 5), "ERROR");
}

TEST(Endpoint, HostileTextIsRefusedAndShownSafely) {
  EXPECT_EQ(shown("inet:evil\x1b[2J:25"),
            "ERROR bad endpoint \"inet:evil?[2J:25\": the host has a character that no host has");
  EXPECT_EQ(shown(std::string_view("unix:/tmp/a\0b", 13)),
            "ERROR bad endpoint \"unix:/tmp/a?b\": the path contains a NUL byte");
  EXPECT_EQ(shown(std::string_view("h\0:25", 5)).substr(0, 5), "ERROR");
  EXPECT_EQ(shown("a b:25").substr(0, 5), "ERROR");
  EXPECT_EQ(shown("[::1:25").substr(0, 5), "ERROR");
  EXPECT_EQ(shown("::1]:25").substr(0, 5), "ERROR");
  EXPECT_EQ(shown(":::::").substr(0, 5), "ERROR");
}

TEST(Endpoint, LengthsAreBoundedAndErrorsAreShort) {
  EXPECT_EQ(shown("unix:/" + std::string(106, 'a')), "unix /" + std::string(106, 'a'));
  EXPECT_NE(shown("unix:/" + std::string(107, 'a')).find("longer than 107 bytes"), std::string::npos);
  EXPECT_EQ(shown(fmt::format("{}:1", std::string(255, 'a'))).substr(0, 4), "inet");
  EXPECT_NE(shown(fmt::format("{}:1", std::string(256, 'a'))).find("too long"), std::string::npos);
  EXPECT_LT(shown(std::string(1000000, ':')).size(), 500U);
}

// Every text of up to five characters that mean something to the parser: whatever it takes, it must take apart
// properly.
TEST(Endpoint, WhatIsAcceptedIsWellFormed) {
  constexpr std::string_view kAlphabet = "a1:[]%/.";
  std::vector<std::string> texts = {""};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto endpoint = io::parse_endpoint(texts[i]);
    if (endpoint) {
      ASSERT_FALSE(endpoint->port.empty()) << texts[i];
      ASSERT_EQ(endpoint->port.find_first_of(":[]%/"), std::string::npos) << texts[i];
      ASSERT_EQ(endpoint->host.find_first_of("[]/"), std::string::npos) << texts[i];
    }
    if (texts[i].size() == 5) continue;
    for (const char c : kAlphabet) texts.push_back(texts[i] + c);
  }
}

}  // namespace
