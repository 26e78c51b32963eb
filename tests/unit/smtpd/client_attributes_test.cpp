// XCLIENT and XFORWARD: replies and values are those of Postfix.
#include "smtpd/client_attributes.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace smtpd {
namespace {

using Status = restrictions::Client::Status;

restrictions::Client localhost() {
  restrictions::Client client;
  client.name = client.reverse_name = "localhost";
  client.name_status = client.reverse_status = Status::found;
  client.address = "127.0.0.1";
  client.port = "1000";
  client.server_address = "127.0.0.1";
  client.server_port = "25";
  return client;
}

class Xclient : public testing::Test {
 protected:
  std::string problem(std::string_view words) {
    const auto result = take(words);
    return result ? "" : result.error();
  }
  std::expected<ClientChange, std::string> take(std::string_view words) {
    return understand_xclient(localhost(), base::split(words, " "), families_);
  }
  Families families_;
};

TEST_F(Xclient, ChangesWhatItNames) {
  const auto change = take(
      "NAME=spike.example REVERSE_NAME=r.example ADDR=192.0.2.7 PORT=1234 PROTO=ESMTP HELO=foo LOGIN=joe "
      "DESTADDR=192.0.2.1 DESTPORT=26");
  ASSERT_TRUE(change);
  EXPECT_EQ(change->client.name_and_address(), "spike.example[192.0.2.7]");
  EXPECT_EQ(change->client.reverse_name, "r.example");
  EXPECT_EQ(change->client.port, "1234");
  EXPECT_EQ(change->client.server_address + ":" + change->client.server_port, "192.0.2.1:26");
  EXPECT_EQ(change->protocol, "ESMTP");
  EXPECT_EQ(change->helo, "foo");
  EXPECT_EQ(change->login, "joe");
}

TEST_F(Xclient, TellsWhatHasNotBeenSaid) {
  const auto change = take("ADDR=192.0.2.7");
  ASSERT_TRUE(change);
  EXPECT_EQ(change->client.name_and_address(), "localhost[192.0.2.7]");
  EXPECT_EQ(change->helo, std::nullopt);
  EXPECT_EQ(change->protocol, std::nullopt);
  EXPECT_EQ(change->login, std::nullopt);
}

TEST_F(Xclient, TakesNamesInAnyCase) {
  const auto change = take("name=[unavailable] proto=esmtp addr=ipv6:2001:DB8::0:1");
  ASSERT_TRUE(change);
  EXPECT_EQ(change->client.name_and_address(), "unknown[2001:db8::1]");
  EXPECT_EQ(change->protocol, "ESMTP");
}

TEST_F(Xclient, TellsApartWhyANameIsNotKnown) {
  EXPECT_EQ(take("NAME=[UNAVAILABLE]")->client.name_status, Status::not_found);
  EXPECT_EQ(take("NAME=[TEMPUNAVAIL]")->client.name_status, Status::temporary);
  EXPECT_EQ(take("NAME=[TEMPUNAVAIL]")->client.reverse_status, Status::found);
  EXPECT_EQ(take("REVERSE_NAME=[TEMPUNAVAIL]")->client.reverse_status, Status::temporary);
  EXPECT_EQ(take("REVERSE_NAME=[UNAVAILABLE]")->client.reverse_name, "unknown");
}

TEST_F(Xclient, MayLeaveAnAddressUnknown) {
  EXPECT_EQ(take("ADDR=[UNAVAILABLE]")->client.name_and_address(), "localhost[unknown]");
  EXPECT_EQ(take("PORT=[UNAVAILABLE]")->client.port, "unknown");
  EXPECT_EQ(take("LOGIN=joe LOGIN=[UNAVAILABLE]")->login, "");
  EXPECT_EQ(take("HELO=joe HELO=[UNAVAILABLE]")->helo, "");
  EXPECT_EQ(problem("ADDR=[TEMPUNAVAIL]"), "Bad ADDR syntax: [TEMPUNAVAIL]");
}

TEST_F(Xclient, DecodesXtext) {
  EXPECT_EQ(take("PORT=+31")->client.port, "1");
  EXPECT_EQ(take("HELO=x+20y+01")->helo, "x?y?");
  EXPECT_EQ(take("LOGIN=a+20b+01c@d\xc3\xa9")->login, "a b?c@d\xc3\xa9");
  EXPECT_EQ(problem("NAME=a+20b"), "Bad NAME syntax: a b");
  EXPECT_EQ(problem("NAME=+4"), "Bad NAME syntax: +4");
}

TEST_F(Xclient, NamesWhatIsWrong) {
  EXPECT_EQ(problem("FOO=1"), "Bad XCLIENT attribute name: FOO");
  EXPECT_EQ(problem("=x"), "Bad XCLIENT attribute name: ");
  for (const std::string_view word : {"foo", "ADDR", "ADDR=", "NAME=", "LOGIN="}) {
    EXPECT_EQ(problem(word), "Error: attribute=value expected") << word;
  }
  for (const std::string_view value : {"bogus", "1.2.3.4.5", "2001:db8::1", "[192.0.2.1]", "::ffff:192.0.2.9"}) {
    EXPECT_EQ(problem("ADDR=" + std::string(value)), "Bad ADDR syntax: " + std::string(value));
  }
  for (const std::string_view value : {"a..b", "192.0.2.1", "[192.0.2.1]", "x.example.", "-a", "b\xc3\xbc.example"}) {
    EXPECT_EQ(problem("NAME=" + std::string(value)), "Bad NAME syntax: " + std::string(value));
  }
  EXPECT_EQ(problem("PORT=x"), "Bad PORT syntax: x");
  EXPECT_EQ(problem("PORT=123456"), "Bad PORT syntax: 123456");
  EXPECT_EQ(problem("PROTO=[UNAVAILABLE]"), "Bad PROTO syntax: [UNAVAILABLE]");
  EXPECT_EQ(problem("DESTADDR=x"), "Bad DESTADDR syntax: x");
  EXPECT_EQ(problem("DESTPORT=x"), "Bad DESTPORT syntax: x");
  EXPECT_EQ(problem("reverse_name=.."), "Bad REVERSE_NAME syntax: ..");
}

TEST_F(Xclient, HasValuesOfABoundedLength) {
  EXPECT_TRUE(take("HELO=" + std::string(255, 'a')));
  EXPECT_EQ(problem("HELO=" + std::string(256, 'a')), "Error: attribute value too long");
}

TEST_F(Xclient, TakesOnlyAddressesOfProtocolsInUse) {
  EXPECT_EQ(take("ADDR=IPV6:2001:db8::1")->client.address, "2001:db8::1");
  EXPECT_EQ(take("ADDR=IPv6:::ffff:192.0.2.1")->client.address, "192.0.2.1");
  EXPECT_EQ(take("ADDR=192.000.002.1")->client.address, "192.0.2.1");
  families_ = Families::of("ipv4");
  EXPECT_EQ(problem("ADDR=IPV6:2001:db8::1"), "Bad ADDR syntax: IPV6:2001:db8::1");
}

class Xforward : public testing::Test {
 protected:
  std::string problem(std::string_view words) {
    const auto result = understand_xforward({}, base::split(words, " "), {});
    return result ? "" : result.error();
  }
  Forwarding take(std::string_view words, const Forwarding& so_far = {}) {
    return understand_xforward(so_far, base::split(words, " "), {}).value();
  }
  std::string origin(const Forwarding& forwarding, bool with_port = false) {
    return logged_client(forwarding, localhost(), "me", "ESMTP", with_port).origin;
  }
};

TEST_F(Xforward, AddsUpOverCommands) {
  const Forwarding first = take("NAME=spike.example IDENT=ABC+20;12 SOURCE=local PROTO=a+20b");
  const Forwarding both = take("ADDR=192.0.2.7 PORT=77 HELO=x+20y", first);
  EXPECT_EQ(origin(both), "spike.example[192.0.2.7]");
  EXPECT_EQ(origin(both, true), "spike.example[192.0.2.7]:77");
  EXPECT_EQ(both.ident, "ABC??12");
  EXPECT_EQ(both.source, "LOCAL");
  EXPECT_EQ(both.protocol, "a?b");
  EXPECT_EQ(both.helo, "x?y");
}

TEST_F(Xforward, MayKnowNothing) {
  EXPECT_EQ(origin(take("NAME=[UNAVAILABLE] ADDR=[UNAVAILABLE] PORT=[UNAVAILABLE]"), true), "unknown");
  EXPECT_EQ(origin(take("ADDR=IPV6:2001:db8::7"), true), "unknown[2001:db8::7]:unknown");
  EXPECT_EQ(origin(take("NAME=y.example PORT=7"), true), "y.example");
  EXPECT_EQ(take("HELO=[UNAVAILABLE] PROTO=[UNAVAILABLE] IDENT=[UNAVAILABLE] SOURCE=[UNAVAILABLE]").helo, "");
}

TEST_F(Xforward, LeavesNothingOfOurOwnClientBesideTheOther) {
  const LoggedClient logged = logged_client(take("NAME=y.example"), localhost(), "me", "ESMTP", false);
  EXPECT_EQ(logged.address + " " + logged.port + " " + logged.protocol + " " + logged.helo, "unknown unknown unknown ");
}

TEST_F(Xforward, OfAnIdentityAloneChangesNoClient) {
  const Forwarding forwarding = take("IDENT=ABC SOURCE=REMOTE");
  EXPECT_TRUE(forwarding.seen);
  const LoggedClient logged = logged_client(forwarding, localhost(), "me", "ESMTP", true);
  EXPECT_EQ(logged.origin + " " + logged.helo + " " + logged.protocol, "localhost[127.0.0.1]:1000 me ESMTP");
}

TEST_F(Xforward, NamesWhatIsWrong) {
  EXPECT_EQ(problem("FOO=1"), "Bad XFORWARD attribute name: FOO");
  EXPECT_EQ(problem("LOGIN=joe"), "Bad XFORWARD attribute name: LOGIN");
  EXPECT_EQ(problem("NAME"), "Error: attribute=value expected");
  EXPECT_EQ(problem("ADDR=bogus"), "Bad ADDR syntax: bogus");
  EXPECT_EQ(problem("PORT=-1"), "Bad PORT syntax: -1");
  EXPECT_EQ(problem("SOURCE=FOO"), "Bad SOURCE syntax: FOO");
  EXPECT_EQ(problem("NAME=[TEMPUNAVAIL]"), "Bad NAME syntax: [TEMPUNAVAIL]");
  EXPECT_EQ(problem("IDENT=" + std::string(256, 'a')), "Error: attribute value too long");
}

TEST(NeutralText, HasNothingWithAMeaning) {
  EXPECT_EQ(neutral("a b<>()\\\";@c\x01"), "a?b????????c?");
  EXPECT_EQ(neutral("!#$%&'*,-./:=?[]^_`{|}~"), "!#$%&'*,-./:=?[]^_`{|}~");
}

}  // namespace
}  // namespace smtpd
