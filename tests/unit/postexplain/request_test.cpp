#include "postexplain/request.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/text.h"

namespace postexplain {
namespace {

std::expected<Request, base::Error> parse(const std::string& line) {
  std::vector<std::string> words;
  for (const std::string_view word : base::split(line, " ")) words.emplace_back(word);
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  return understand(pointers);
}
std::string problem(const std::string& line) {
  const auto request = parse(line);
  return request ? "" : request.error().text;
}

constexpr const char* kSession = "session --client 192.0.2.1 --from a@b --to c@d";

TEST(Request, OfRoutesTakesAddressesAndOptionsInAnyOrder) {
  const auto request = parse("route a@b -jv --sender <s@t> c@d -c /etc/x -- -e@f");
  ASSERT_TRUE(request) << request.error().text;
  EXPECT_EQ(request->what, Request::What::route);
  EXPECT_EQ(request->addresses, (std::vector<std::string>{"a@b", "c@d", "-e@f"}));
  EXPECT_EQ(request->sender, "s@t");
  EXPECT_EQ(request->config_directory, "/etc/x");
  EXPECT_TRUE(request->json);
  EXPECT_EQ(request->verbosity, 1);
}

TEST(Request, OfASessionSaysWhoTheClientIs) {
  const auto request = parse(
      "session --client=2001:db8::1,mx.example --helo h --sasl-user u --tls --from <> --to a@b --to=<c@d> --service "
      "submission --size 12 --smtp --no-dns --no-policy");
  ASSERT_TRUE(request) << request.error().text;
  EXPECT_EQ(request->client.address, "2001:db8::1");
  EXPECT_EQ(request->client.name, "mx.example");
  EXPECT_EQ(request->helo, "h");
  EXPECT_EQ(request->sasl_user, "u");
  EXPECT_EQ(request->sender, "");
  EXPECT_EQ(request->recipients, (std::vector<std::string>{"a@b", "<c@d>"}));
  EXPECT_EQ(request->service, "submission");
  EXPECT_EQ(request->size, 12);
  EXPECT_TRUE(request->tls && !request->esmtp && !request->dns && !request->policy);
}

TEST(Request, HasDefaults) {
  const auto request = parse(kSession);
  ASSERT_TRUE(request) << request.error().text;
  EXPECT_EQ(request->client.name, std::nullopt);
  EXPECT_EQ(request->helo, std::nullopt);
  EXPECT_EQ(request->service, "smtp");
  EXPECT_TRUE(!request->tls && request->esmtp && request->dns && request->policy && !request->json);
}

TEST(Request, ThatCannotBeUnderstoodIsToldOf) {
  EXPECT_EQ(problem(""), "route or session?");
  EXPECT_EQ(problem("rout a@b"), "neither route nor session: rout");
  EXPECT_EQ(problem("route"), "which address?");
  EXPECT_EQ(problem("route a@b --sender"), "--sender needs a value");
  EXPECT_EQ(problem("route a@b -x"), "unknown option: -x");
  EXPECT_EQ(problem("route a@b -jx"), "unknown option: -j");
  EXPECT_EQ(problem("route a@b --tls"), "unknown option: --tls");
  EXPECT_EQ(problem("session --from a --to b"), "--client is missing");
  EXPECT_EQ(problem("session --client 192.0.2.1 --to b"), "--from is missing (\"--from <>\" is the null sender)");
  EXPECT_EQ(problem("session --client 192.0.2.1 --from b"), "--to is missing");
  EXPECT_EQ(problem("session --client x --from a --to b"), "--client: no IP address: x");
  EXPECT_EQ(problem("session --client 192.0.2.1,a..b --from a --to b"), "--client: no host name: a..b");
  EXPECT_EQ(problem(fmt::format("{} --size -1", kSession)), "--size: no number of bytes: -1");
  EXPECT_EQ(problem(fmt::format("{} --tls=yes", kSession)), "--tls takes no value");
  EXPECT_EQ(problem(fmt::format("{} --sender x", kSession)), "unknown option: --sender");
  EXPECT_EQ(problem(fmt::format("{} x@y", kSession)), "no option: x@y (recipients are given with --to)");
}

}  // namespace
}  // namespace postexplain
