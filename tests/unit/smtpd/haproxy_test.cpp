// The PROXY protocol: what is taken is what Postfix takes, and never a byte of what the client says.
#include "smtpd/haproxy.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "io/wait.h"

namespace smtpd::haproxy {
namespace {

using namespace std::string_literals;
using Kind = Parsed::Kind;
constexpr Families kBoth{true, true};
const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;
const std::string kIpv4 = "\xC0\x00\x02\x01\xC0\x00\x02\x02\x04\xD2\x00\x19"s;  // 192.0.2.1 192.0.2.2 1234 25
const std::string kIpv6 =
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2\x04\xD2\x00\x19"s;

std::string binary(int version_and_command, int family, const std::string& body) {
  std::string text = kSignature;
  for (const std::size_t each : {static_cast<std::size_t>(version_and_command), static_cast<std::size_t>(family),
                                 body.size() >> 8, body.size() & 0xFF}) {
    text += static_cast<char>(each);
  }
  return text + body;
}

std::string told(std::string_view text, Families families = kBoth) {
  const Parsed parsed = parse(text, families);
  switch (parsed.kind) {
    case Kind::bad:
      return parsed.problem;
    case Kind::partial:
      return "more: " + std::to_string(parsed.more);
    case Kind::whole:
      break;
  }
  const Header& header = parsed.header;
  if (header.is_local) return "local";
  return header.client_address + " " + header.client_port + " " + header.server_address + " " + header.server_port;
}

TEST(HaproxyLine, NamesBothEnds) {
  EXPECT_EQ(told("PROXY TCP4 192.0.2.1 192.0.2.2 1234 25\r\n"), "192.0.2.1 1234 192.0.2.2 25");
  EXPECT_EQ(told("PROXY TCP6 2001:DB8:0::1 2001:db8::2 0 65535\r\n"), "2001:db8::1 0 2001:db8::2 65535");
}

TEST(HaproxyLine, IsTakenInTheFormsThatPostfixTakes) {
  const std::string result = "192.0.2.1 1234 192.0.2.2 25";
  EXPECT_EQ(told("PROXY TCP4 192.0.2.1 192.0.2.2 1234 25\n"), result);
  EXPECT_EQ(told("PROXY  TCP4  192.000.002.001 192.0.2.2 1234 25 \r\n"), result);
  EXPECT_EQ(told("PROXY TCP4 192.0.2.1 192.0.2.2 1234 25 more words\r\n"), result);
  EXPECT_EQ(told("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 1234 25\r\n"), result);
}

TEST(HaproxyLine, MustBeWhole) {
  EXPECT_EQ(told("PROXY TCP4 192.0.2.1 192.0.2.2 1234\r\n"), "bad or missing server port");
  EXPECT_EQ(told("PROXY TCP4 192.0.2.1 192.0.2.2\r\n"), "bad or missing client port");
  EXPECT_EQ(told("PROXY TCP4 192.0.2.1\r\n"), "bad or missing server address");
  EXPECT_EQ(told("PROXY TCP4\r\n"), "bad or missing client address");
  EXPECT_EQ(told("PROXY \r\n"), "bad or missing protocol type");
  EXPECT_EQ(told("PROXY\r\n"), "unrecognized protocol header");
}

TEST(HaproxyLine, IsRefusedWhenAnyPartIsWrong) {
  EXPECT_EQ(told("PROXY UNKNOWN\r\n"), "bad or missing protocol type");
  EXPECT_EQ(told("PROXY UDP4 192.0.2.1 192.0.2.2 1234 25\r\n"), "bad or missing protocol type");
  EXPECT_EQ(told("PROXY TCP4 2001:db8::1 192.0.2.2 1234 25\r\n"), "bad or missing client address");
  EXPECT_EQ(told("PROXY TCP6 2001:db8::1 192.0.2.2 1234 25\r\n"), "bad or missing server address");
  EXPECT_EQ(told("PROXY TCP4 192.0.2.256 192.0.2.2 1234 25\r\n"), "bad or missing client address");
  EXPECT_EQ(told("PROXY TCP4 192.0.2.1.1 192.0.2.2 1234 25\r\n"), "bad or missing client address");
  EXPECT_EQ(told("PROXY TCP4 192.0.2.1 192.0.2.2 01234 25\r\n"), "bad or missing client port");
  EXPECT_EQ(told("PROXY TCP4 192.0.2.1 192.0.2.2 1234 65536\r\n"), "bad or missing server port");
  EXPECT_EQ(told("PROXY TCP4 192.0.2.1 192.0.2.2 1234 -1\r\n"), "bad or missing server port");
  EXPECT_EQ(told("PROXY TCP4 192.0.2.1 192.0.2.2 1234 25\0\r\n"s), "missing protocol header terminator");
  EXPECT_EQ(told("proxy TCP4 192.0.2.1 192.0.2.2 1234 25\r\n"), "unrecognized protocol header");
  EXPECT_EQ(told("EHLO x\r\n"), "unrecognized protocol header");
}

TEST(HaproxyLine, HasAnEnd) {
  const std::string start = "PROXY TCP4 192.0.2.1 192.0.2.2 1234 25 ";
  EXPECT_EQ(told(start + std::string(kLongest - start.size() - 1, 'x')), "more: 1");
  EXPECT_EQ(told(start + std::string(kLongest - start.size(), 'x')), "missing protocol header terminator");
}

TEST(HaproxyLine, GivesOnlyAddressesOfProtocolsInUse) {
  EXPECT_EQ(told("PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n", {true, false}), "bad or missing client address");
  EXPECT_EQ(told("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", {false, true}), "bad or missing client address");
}

TEST(HaproxyBinary, NamesBothEnds) {
  EXPECT_EQ(told(binary(0x21, 0x11, kIpv4)), "192.0.2.1 1234 192.0.2.2 25");
  EXPECT_EQ(told(binary(0x21, 0x21, kIpv6)), "2001:db8::1 1234 2001:db8::2 25");
  EXPECT_EQ(told(binary(0x21, 0x11, kIpv4 + std::string(508, 'x'))), "192.0.2.1 1234 192.0.2.2 25");
}

TEST(HaproxyBinary, MaySpeakForTheProxyItself) {
  EXPECT_EQ(told(binary(0x20, 0, "")), "local");
  EXPECT_EQ(told(binary(0x20, 0x11, kIpv4)), "local");
  EXPECT_EQ(told(binary(0x20, 0, std::string(300, 'x'))), "local");
}

TEST(HaproxyBinary, IsRefusedWhenAnyPartIsWrong) {
  EXPECT_EQ(told(binary(0x11, 0x11, kIpv4)), "unrecognized protocol version");
  EXPECT_EQ(told(binary(0x22, 0x11, kIpv4)), "bad command in proxy header");
  EXPECT_EQ(told(binary(0x21, 0x12, kIpv4)), "unsupported network protocol");
  EXPECT_EQ(told(binary(0x21, 0x00, "")), "unsupported network protocol");
  EXPECT_EQ(told(binary(0x21, 0x31, std::string(216, '\0'))), "unsupported network protocol");
  EXPECT_EQ(told(binary(0x21, 0x11, kIpv4.substr(1))), "short address field");
  EXPECT_EQ(told(binary(0x21, 0x21, kIpv6.substr(1))), "short address field");
  EXPECT_EQ(told(binary(0x21, 0x11, kIpv4 + std::string(509, 'x'))), "too long version 2 protocol header");
  EXPECT_EQ(told(kSignature.substr(0, 11) + "X"), "unrecognized protocol header");
}

TEST(Haproxy, KnowsAtEachByteHowManyAreMissing) {
  for (const std::string& header :
       {"PROXY TCP4 192.0.2.1 192.0.2.2 1234 25\r\n"s, binary(0x21, 0x21, kIpv6 + "tlv"), binary(0x20, 0, "abc")}) {
    for (std::size_t size = 0; size < header.size(); ++size) {
      const Parsed parsed = parse(std::string_view(header).substr(0, size), kBoth);
      ASSERT_EQ(parsed.kind, Kind::partial) << size;
      ASSERT_GE(parsed.more, 1u);
      ASSERT_LE(size + parsed.more, header.size());
    }
    EXPECT_EQ(parse(header, kBoth).kind, Kind::whole);
  }
}

class HaproxyRead : public testing::Test {
 protected:
  HaproxyRead() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    ours_.emplace(base::Fd(ends[0]));
    peer_.emplace(base::Fd(ends[1]));
  }
  void send(std::string_view text) {
    peer_->write(text);
    peer_->flush();
  }
  auto read() { return haproxy::read(*ours_, io::Deadline::after(std::chrono::milliseconds(50)), kBoth); }

  std::optional<io::Stream> ours_, peer_;
};

TEST_F(HaproxyRead, LeavesWhatTheClientSays) {
  for (const std::string& header : {"PROXY TCP4 192.0.2.1 192.0.2.2 1234 25\r\n"s, binary(0x21, 0x11, kIpv4 + "tlv")}) {
    send(header + "EHLO x\r\n");
    const auto got = read();
    ASSERT_TRUE(got) << got.error();
    EXPECT_EQ(got->client_address, "192.0.2.1");
    EXPECT_EQ(ours_->read_line(100).text, "EHLO x");
  }
}

TEST_F(HaproxyRead, SaysWhatIsWrong) {
  send("EHLO x\r\n");
  EXPECT_EQ(read().error(), "haproxy read: unrecognized protocol header: EHLO x\\r\\n");
}

TEST_F(HaproxyRead, ShowsWhatCannotBePrinted) {
  send(binary(0x21, 0x11, "\\\xFF"));
  EXPECT_EQ(read().error(), R"(haproxy read: short address field: \r\n\r\n\000\r\nQUIT\n!\021\000\002\134\377)");
}

TEST_F(HaproxyRead, WaitsNoLongerThanItMay) {
  send("PROXY TCP4 192.");
  EXPECT_EQ(read().error(), "haproxy read: timeout error");
}

TEST_F(HaproxyRead, NoticesTheEnd) {
  send("PROXY TCP4 192.");
  peer_.reset();
  EXPECT_EQ(read().error(), "haproxy read: EOF");
}

}  // namespace
}  // namespace smtpd::haproxy
