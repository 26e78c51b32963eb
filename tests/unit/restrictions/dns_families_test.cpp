// Restrictions that ask the DNS. Replies and warnings are those of Postfix.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "lib/dns_answers.h"
#include "restrictions/address_pattern.h"
#include "rules_for_tests.h"

namespace restrictions {

namespace {

namespace wire = dns_answers;
using wire::a;
using wire::mx;

const std::string kDenied = "554 5.7.1 <ann@local.test>: Recipient address rejected: Access denied";

std::string ns(std::string_view owner, std::string_view host) {
  return wire::record(owner, 2, 300, wire::name(host));
}

// The client is 198.51.100.7, client.test; see rules_for_tests.h.
const std::map<std::string, std::vector<std::string>> kZones = {
    {"7.100.51.198.rbl.test 1", {a("7.100.51.198.rbl.test", "127.0.0.2"), a("7.100.51.198.rbl.test", "127.0.1.5")}},
    {"7.100.51.198.rbl.test 16",
     {wire::txt("7.100.51.198.rbl.test", "first $sender"), wire::txt("7.100.51.198.rbl.test", "sec\tond")}},
    {"7.100.51.198.silent.test 1", {a("7.100.51.198.silent.test", "127.0.0.2")}},
    {"7.100.51.198.broken.test", {}},
    {"client.test.rhsbl.test 1", {a("client.test.rhsbl.test", "127.0.0.2")}},
    {"reverse.test.rhsbl.test 1", {a("reverse.test.rhsbl.test", "127.0.0.2")}},
    {"helo.test.rhsbl.test 1", {a("helo.test.rhsbl.test", "127.0.0.2")}},
    {"spam.test.rhsbl.test 1", {a("spam.test.rhsbl.test", "127.0.0.2")}},
    {"local.test.rhsbl.test 1", {a("local.test.rhsbl.test", "127.0.0.2")}},
    {"xn--bcher-kva.test.rhsbl.test 1", {a("xn--bcher-kva.test.rhsbl.test", "127.0.0.2")}},
    {"brk.test.rhsbl.test", {}},
    {"has-a.test 1", {a("has-a.test", "192.0.2.9")}},
    {"has-mx.test 15", {mx("has-mx.test", 10, "m.test")}},
    {"nullmx.test 15", {mx("nullmx.test", 0, ".")}},
    {"badmx.test 15", {mx("badmx.test", 10, "bad*host.test")}},
    {"broken.test", {}},
    {"some.test 16", {wire::txt("some.test", "x")}},
    {"evil.test 15", {mx("evil.test", 10, "nowhere.test"), mx("evil.test", 20, "mx.evil.test")}},
    {"evil.test 2", {ns("evil.test", "ns.evil.test")}},
    {"evil.test 1", {a("evil.test", "203.0.113.66")}},
    {"mx.evil.test 1", {a("mx.evil.test", "203.0.113.67")}},
    {"ns.evil.test 1", {a("ns.evil.test", "203.0.113.68")}},
    {"backup.test 15", {mx("backup.test", 20, "mine.test"), mx("backup.test", 10, "primary.test")}},
    {"first.test 15", {mx("first.test", 10, "mine.test"), mx("first.test", 20, "primary.test")}},
    {"equal.test 15", {mx("equal.test", 10, "primary.test"), mx("equal.test", 10, "mine.test")}},
    {"others.test 15", {mx("others.test", 10, "primary.test"), mx("others.test", 20, "evil.test")}},
    {"lame.test 15", {mx("lame.test", 10, "broken.test"), mx("lame.test", 20, "primary.test")}},
    {"mine.test 1", {a("mine.test", "127.0.0.1")}},
    {"primary.test 1", {a("primary.test", "203.0.113.10")}},
};

class DnsFamilies : public testing::Test {
 protected:
  DnsFamilies() : dns(wire::from_table(kZones)) {
    std::string path = testing::TempDir() + "families.XXXXXX";
    folder = ::mkdtemp(path.data());
    write("resolv.conf", fmt::format("nameserver 127.0.0.1:{}\n", dns.port()));
  }
  ~DnsFamilies() override { std::filesystem::remove_all(folder); }

  void write(const std::string& name, const std::string& text) { std::ofstream(folder / name) << text; }
  Server with(const std::string& restrictions, const std::string& more = "") {
    dns::Resolver::Options options = no_name_service();
    options.resolv_conf = folder / "resolv.conf";
    return Server(
        "smtpd_relay_restrictions = check_recipient_access static:OK, reject\nsmtpd_recipient_restrictions = " +
            restrictions + "\n" + more,
        options);
  }
  long asked(std::string_view question) {
    const auto all = dns.questions();
    return std::ranges::count(all, question);
  }

  wire::Server dns;
  std::filesystem::path folder;
};

// --- lists

TEST_F(DnsFamilies, ListedClientIsRejectedWithTheListsText) {
  EXPECT_EQ(with("reject_rbl_client rbl.test, reject").rcpt(),
            "554 5.7.1 Service unavailable; Client host [198.51.100.7] blocked using rbl.test; "
            "first $sender / sec ond");
  EXPECT_EQ(with("reject_rbl_client silent.test, reject").rcpt(),
            "554 5.7.1 Service unavailable; Client host [198.51.100.7] blocked using silent.test");
}

TEST_F(DnsFamilies, AnswersOfAListAreMatchedByPattern) {
  const std::string listed = "554 5.7.1 Service unavailable; Client host [198.51.100.7] blocked using rbl.test;";
  for (const std::string pattern : {"127.0.0.2", "127.0.1.[4..6]", "127.0.[0;1].[1;3..7]", "[127].0.0.[0..255]"})
    EXPECT_TRUE(with("reject_rbl_client rbl.test=" + pattern + ", reject").rcpt().starts_with(listed)) << pattern;
  for (const std::string pattern : {"127.0.0.3", "127.0.0.[3..9]", "[1..126].0.0.2"})
    EXPECT_EQ(with("reject_rbl_client rbl.test=" + pattern + ", reject").rcpt(), kDenied) << pattern;
}

TEST_F(DnsFamilies, TextIsAskedForOnlyWhenItIsSaid) {
  with("reject_rbl_client rbl.test=127.0.0.3, reject").rcpt();
  with("reject_rbl_client rbl.test, reject", "default_rbl_reply = 550 5.7.1 no\n").rcpt();
  with("permit_dnswl_client rbl.test, reject").rcpt();
  EXPECT_EQ(asked("7.100.51.198.rbl.test 1"), 3);
  EXPECT_EQ(asked("7.100.51.198.rbl.test 16"), 0);
}

TEST_F(DnsFamilies, ListThatFailsIsPassedOverWithAWarning) {
  const logging::Capture log;
  EXPECT_EQ(with("reject_rbl_client broken.test, permit").rcpt(), "ok");
  EXPECT_TRUE(
      log.contains("7.100.51.198.broken.test: RBL lookup error: Host or domain name not found. Name service "
                   "error for name=7.100.51.198.broken.test type=A: Host not found, try again"));
}

TEST_F(DnsFamilies, NamesAreLookedUpInTheirLists) {
  const auto blocked = [](std::string_view who) {
    return fmt::format("554 5.7.1 Service unavailable; {} blocked using rhsbl.test", who);
  };
  EXPECT_EQ(with("reject_rhsbl_client rhsbl.test, reject").rcpt(), blocked("Client host [client.test]"));
  Server reverse = with("reject_rhsbl_reverse_client rhsbl.test, reject");
  reverse.client.reverse_name = "reverse.test";
  EXPECT_EQ(reverse.rcpt(), blocked("Unverified Client host [reverse.test]"));
  EXPECT_EQ(with("reject_rhsbl_helo rhsbl.test, reject").rcpt(), blocked("Helo command [helo.test]"));
  EXPECT_EQ(with("reject_rhsbl_sender rhsbl.test, reject").from("x@spam.test"),
            blocked("Sender address [x@spam.test]"));
  EXPECT_EQ(with("reject_rhsbl_recipient rhsbl.test, reject").rcpt(), blocked("Recipient address [ann@local.test]"));
}

TEST_F(DnsFamilies, InternationalNamesAreLookedUpInAceForm) {
  EXPECT_EQ(with("reject_rhsbl_sender rhsbl.test, reject")
                .from("x@b\xc3\xbc"
                      "cher.test"),
            "554 5.7.1 Service unavailable; Sender address [x@b__cher.test] blocked using rhsbl.test");
}

TEST_F(DnsFamilies, WhatHasNoNameIsInNoListOfNames) {
  Server unknown = with("reject_rhsbl_client rhsbl.test, reject");
  unknown.client.name = "unknown";
  EXPECT_EQ(unknown.rcpt(), kDenied);
  Server helo = with("reject_rhsbl_helo rhsbl.test, reject");
  for (const std::string name : {"[192.0.2.1]", "192.0.2.1"}) {
    helo.helo = name;
    EXPECT_EQ(helo.rcpt(), kDenied);
  }
  Server sender = with("reject_rhsbl_sender rhsbl.test, reject");
  for (const std::string name : {"", "x", "x@[192.0.2.1]"}) EXPECT_EQ(sender.from(name), kDenied);
  EXPECT_TRUE(dns.questions().empty());
}

TEST_F(DnsFamilies, GoodClientsArePermitted) {
  EXPECT_EQ(with("permit_dnswl_client rbl.test, reject").rcpt(), "ok");
  EXPECT_EQ(with("permit_dnswl_client rbl.test=127.0.0.3, reject").rcpt(), kDenied);
  EXPECT_EQ(with("permit_rhswl_client rhsbl.test, reject").rcpt(), "ok");
}

TEST_F(DnsFamilies, ListOfGoodClientsThatFailsPutsRejectionsOff) {
  EXPECT_EQ(with("permit_dnswl_client broken.test, reject").rcpt(),
            "450 4.7.1 <198.51.100.7>: Client host rejected: Service unavailable");
  EXPECT_EQ(with("permit_dnswl_client broken.test, permit").rcpt(), "ok");
}

TEST_F(DnsFamilies, ListsOpenNoRelay) {
  Server server = with("permit_dnswl_client rbl.test, permit_rhswl_client rhsbl.test, reject_unauth_destination");
  EXPECT_EQ(server.rcpt("x@foreign.test"), "554 5.7.1 <x@foreign.test>: Relay access denied");
  EXPECT_EQ(server.rcpt("x%y@local.test"), "554 5.7.1 <x%y@local.test>: Relay access denied");
  EXPECT_TRUE(dns.questions().empty());
}

TEST_F(DnsFamilies, ReplyHasItsValues) {
  const std::string template_of =
      "default_rbl_reply = $rbl_code 4.5.6 $rbl_class|$rbl_what|$rbl_domain|$rbl_reason|"
      "$client|$client_address|$client_name|$reverse_client_name|$helo_name|$sender|$sender_name|$sender_domain|"
      "$recipient|$recipient_name|$recipient_domain|$server_name|${rbl_reason?yes}|${rbl_txt:no}|$$x\n";
  EXPECT_EQ(with("reject_rbl_client rbl.test=127.0.0.2, reject", template_of).rcpt(),
            "554 5.5.6 Client host|198.51.100.7|rbl.test|first $sender / sec ond|client.test[198.51.100.7]|"
            "198.51.100.7|client.test|client.test|helo.test|sender@client.test|sender|client.test|"
            "ann@local.test|ann|local.test|mail.test|yes||$x");
  EXPECT_EQ(
      with("reject_rbl_client rbl.test, reject", "default_rbl_reply = 550 5.7.1 [$sender] [$sender_domain]\n").from(""),
      "550 5.7.1 [<>] []");
}

TEST_F(DnsFamilies, ReplyWithoutACodeIsAMistake) {
  for (const std::string text : {"250 ok", "no code", "550", "550 "}) {
    const logging::Capture log;
    EXPECT_EQ(with("reject_rbl_client rbl.test, reject", "default_rbl_reply = " + text + "\n").rcpt(),
              "450 4.7.1 Service unavailable");
    EXPECT_TRUE(log.contains("rbl response code configuration error: "));
  }
}

TEST_F(DnsFamilies, ReplyMayHangUp) {
  const Server server = with("reject_rbl_client rbl.test, reject", "default_rbl_reply = 521 5.7.1 go\n");
  const Decision decision = server.decide(Stage::rcpt);
  EXPECT_EQ(Server::text_of(decision), "521 5.7.1 go");
  EXPECT_TRUE(decision.disconnect);
}

TEST_F(DnsFamilies, ReplyKeepsToTheFilter) {
  EXPECT_EQ(with("reject_rbl_client rbl.test, reject",
                 "default_rbl_reply = 550 5.7.1 a $helo_name\nsmtpd_expansion_filter = helo\\056\n")
                .rcpt(),
            "550 5.7.1 a helo._e__");
}

TEST_F(DnsFamilies, ListsMayHaveRepliesOfTheirOwn) {
  write("replies",
        "rbl.test 550 5.7.7 mapped $rbl_what\nrbl.test=127.0.0.2 550 5.7.8 with pattern $rbl_domain\n"
        "silent.test ${rbl_code\n");
  const std::string maps = fmt::format("rbl_reply_maps = texthash:{}\n", (folder / "replies").string());
  EXPECT_EQ(with("reject_rbl_client rbl.test, reject", maps).rcpt(), "550 5.7.7 mapped 198.51.100.7");
  EXPECT_EQ(with("reject_rbl_client rbl.test=127.0.0.2, reject", maps).rcpt(), "550 5.7.8 with pattern rbl.test");
  EXPECT_TRUE(with("reject_rbl_client rbl.test=127.0.1.5, reject", maps).rcpt().starts_with("554 5.7.1 Service"));
  const logging::Capture log;
  EXPECT_TRUE(with("reject_rbl_client silent.test, reject", maps).rcpt().starts_with("554 5.7.1 Service"));
  EXPECT_TRUE(log.contains("rbl_reject_reply: bad rbl reply template for domain silent.test: ${rbl_code"));
  EXPECT_EQ(with("reject_rbl_client rbl.test, reject", "rbl_reply_maps = fail:x\n").rcpt(),
            "451 4.3.5 Server configuration error");
}

TEST_F(DnsFamilies, MistakesAreFoundAtTheStart) {
  const auto problem = [](const std::string& main_cf) {
    const auto config = config::Config::from_text(std::string(Server::kMainCf) + main_cf);
    const auto mistakes = check(*config);
    return mistakes.empty() ? "" : mistakes.front().text;
  };
  EXPECT_TRUE(problem("smtpd_client_restrictions = reject_rbl_client x.test=127.0.0\n")
                  .contains("RBL reply error: need \".\" at \"127.0.0><\""));
  EXPECT_TRUE(problem("smtpd_client_restrictions = reject_rbl_client x.test\ndefault_rbl_reply = 550 $nosuch\n")
                  .contains("unknown macro name \"nosuch\""));
  EXPECT_TRUE(problem("smtpd_client_restrictions = reject_rbl_client x.test\ndefault_rbl_reply = 550 ${rbl_code\n")
                  .contains("bad default rbl reply template: 550 ${rbl_code"));
  EXPECT_TRUE(problem("smtpd_client_restrictions = permit_dnswl_client =127.0.0.1\n").contains("names no DNS list"));
}

TEST(AddressPattern, SaysWhereItIsWrong) {
  const auto error = [](std::string_view text) {
    const auto pattern = AddressPattern::parse(text);
    return pattern ? "" : pattern.error();
  };
  EXPECT_EQ(error("127.0.0.256"), "need decimal number 0..255 or \"[\" at \"127.0.0.>256<\"");
  EXPECT_EQ(error("127.0.[3..1].1"), "numeric range error at \"127.0.[3..>1<].1\"");
  EXPECT_EQ(error("junk"), "need decimal number 0..255 or \"[\" at \">j<unk\"");
  EXPECT_EQ(error("127.0.0.[2"), "need \";\" or \"]\" at \"127.0.0.[2><\"");
  EXPECT_EQ(error("127.0.0.2]"), "garbage after pattern at \"127.0.0.2>]<\"");
  EXPECT_EQ(error("127.0.0.[]"), "need decimal number 0..255 at \"127.0.0.[>]<\"");
  EXPECT_EQ(error("127.0.0.[1;2;]"), "need decimal number 0..255 at \"127.0.0.[1;2;>]<\"");
  EXPECT_EQ(error("127.0.0.[1..]"), "numeric range error at \"127.0.0.[1..>]<\"");
  EXPECT_EQ(error("127.0.[0]..2"), "need decimal number 0..255 or \"[\" at \"127.0.[0].>.<2\"");
  EXPECT_EQ(error(""), "empty address pattern");
  EXPECT_EQ(error("127.0.0.02"), "");
}

// --- names that nobody knows

TEST_F(DnsFamilies, UnknownClientsAreRejected) {
  using Status = Client::Status;
  Server server = with("reject_unknown_client_hostname, reject", "unknown_client_reject_code = 550\n");
  EXPECT_EQ(server.rcpt(), kDenied);
  const std::string text = "Client host rejected: cannot find your hostname, [198.51.100.7]";
  server.client.name = "unknown";
  for (const Status status : {Status::not_found, Status::forged}) {
    server.client.name_status = status;
    EXPECT_EQ(server.rcpt(), "550 5.7.25 " + text);
  }
  server.client.name_status = Status::temporary;
  EXPECT_EQ(server.rcpt(), "450 4.7.25 " + text);
}

TEST_F(DnsFamilies, ClientsWithoutAReverseNameAreRejected) {
  using Status = Client::Status;
  Server server = with("reject_unknown_reverse_client_hostname, reject", "unknown_client_reject_code = 550\n");
  server.client.name_status = Status::forged;
  EXPECT_EQ(server.rcpt(), kDenied);
  const std::string text = "Client host rejected: cannot find your reverse hostname, [198.51.100.7]";
  server.client.reverse_status = Status::not_found;
  EXPECT_EQ(server.rcpt(), "550 5.7.1 " + text);
  server.client.reverse_status = Status::temporary;
  EXPECT_EQ(server.rcpt(), "450 4.7.1 " + text);
}

TEST_F(DnsFamilies, UnknownHeloNamesAreRejected) {
  Server server = with("reject_unknown_helo_hostname, permit", "unknown_hostname_reject_code = 550\n");
  const auto say = [&](const std::string& name) {
    server.helo = name;
    return server.rcpt();
  };
  for (const std::string name : {"has-a.test", "has-mx.test", "nullmx.test", "[192.0.2.1]", "[IPv6:2001:db8::1]"})
    EXPECT_EQ(say(name), "ok") << name;
  for (const std::string name : {"none.test", "some.test", "a..b", "192.0.2.1", "has-a.test.",
                                 "b\xc3\xbc"
                                 "cher.test"})
    EXPECT_EQ(say(name), fmt::format("550 5.7.1 <{}>: Helo command rejected: Host not found", name));
  EXPECT_EQ(say("[bad]"), "501 5.5.2 <[bad]>: Helo command rejected: invalid ip address");
  EXPECT_EQ(say("badmx.test"), "550 5.7.1 <badmx.test>: Helo command rejected: Malformed DNS server reply");
  EXPECT_EQ(say("broken.test"), "450 4.7.1 <broken.test>: Helo command rejected: Host not found");
}

TEST_F(DnsFamilies, UnknownSenderDomainsAreRejected) {
  Server server = with("reject_unknown_sender_domain, permit", "unknown_address_reject_code = 550\n");
  for (const std::string address : {"x@has-a.test", "x@has-mx.test", "x@[192.0.2.1]", "", "x@local.test"})
    EXPECT_EQ(server.from(address), "ok") << address;
  EXPECT_EQ(server.from("x@none.test"), "550 5.1.8 <x@none.test>: Sender address rejected: Domain not found");
  EXPECT_EQ(server.from("x@some.test"), "550 5.1.8 <x@some.test>: Sender address rejected: Domain not found");
  EXPECT_EQ(server.from("x@nullmx.test"),
            "550 5.7.27 <x@nullmx.test>: Sender address rejected: Domain nullmx.test does not accept mail (nullMX)");
  EXPECT_EQ(server.from("x@badmx.test"),
            "550 5.1.8 <x@badmx.test>: Sender address rejected: Malformed DNS server reply");
  EXPECT_EQ(server.from("x@broken.test"), "450 4.1.8 <x@broken.test>: Sender address rejected: Domain not found");
}

TEST_F(DnsFamilies, UnknownRecipientDomainsAreRejected) {
  Server server = with("reject_unknown_recipient_domain, permit");
  EXPECT_EQ(server.rcpt(), "ok");
  EXPECT_EQ(server.rcpt("x@has-mx.test"), "ok");
  EXPECT_EQ(server.rcpt("x@none.test"), "450 4.1.2 <x@none.test>: Recipient address rejected: Domain not found");
  EXPECT_EQ(server.rcpt("x@nullmx.test"),
            "556 5.1.10 <x@nullmx.test>: Recipient address rejected: Domain nullmx.test does not accept mail (nullMX)");
}

TEST_F(DnsFamilies, WhatCannotBeKnownNowIsDeferredAsTheActionSays) {
  EXPECT_EQ(with("reject_unknown_sender_domain, reject").from("x@broken.test"), kDenied);
  EXPECT_EQ(
      with("reject_unknown_sender_domain, reject", "unknown_address_tempfail_action = defer\n").from("x@broken.test"),
      "450 4.1.8 <x@broken.test>: Sender address rejected: Domain not found");
}

// --- who serves a name

TEST_F(DnsFamilies, ServersAreLookedUpByNameAndAddress) {
  const auto say = [&](const std::string& check, const std::string& table, const std::string& sender) {
    return with(fmt::format("{} inline:{{{}}}, permit", check, table)).from(sender);
  };
  const std::string rejected = "554 5.7.1 <x@evil.test>: Sender address rejected: no";
  EXPECT_EQ(say("check_sender_mx_access", "{mx.evil.test = REJECT no}", "x@evil.test"), rejected);
  EXPECT_EQ(say("check_sender_mx_access", "{203.0.113.67 = REJECT no}", "x@evil.test"), rejected);
  EXPECT_EQ(say("check_sender_mx_access", "{203.0.113 = REJECT no}", "x@evil.test"), rejected);
  EXPECT_EQ(say("check_sender_mx_access", "{203.0.113.66 = REJECT no}", "x@evil.test"), "ok");
  EXPECT_EQ(say("check_sender_ns_access", "{ns.evil.test = REJECT no}", "x@evil.test"), rejected);
  EXPECT_EQ(say("check_sender_ns_access", "{203.0.113.68 = REJECT no}", "x@evil.test"), rejected);
  EXPECT_EQ(say("check_sender_a_access", "{203.0.113.66 = REJECT no}", "x@evil.test"), rejected);
  EXPECT_EQ(say("check_sender_a_access", "{evil.test = REJECT no}", "x@evil.test"), "ok");
}

TEST_F(DnsFamilies, NameServersOfAParentServe) {
  EXPECT_EQ(with("check_sender_ns_access inline:{{ns.evil.test = REJECT no}}, reject").from("x@deep.sub.evil.test"),
            "554 5.7.1 <x@deep.sub.evil.test>: Sender address rejected: no");
}

TEST_F(DnsFamilies, DomainWithoutServersServesItself) {
  EXPECT_EQ(with("check_sender_mx_access inline:{{192.0.2.9 = REJECT no}}, permit").from("x@has-a.test"),
            "554 5.7.1 <x@has-a.test>: Sender address rejected: no");
  EXPECT_EQ(with("check_sender_mx_access static:{REJECT no}, permit").from("x@nullmx.test"), "ok");
}

TEST_F(DnsFamilies, LiteralsAreTheirOwnServers) {
  const std::string table = " inline:{{203.0.113.67 = REJECT no}, {2001:db8::1 = REJECT six}}, permit";
  EXPECT_EQ(with("check_sender_mx_access" + table).from("x@[203.0.113.67]"),
            "554 5.7.1 <x@[203.0.113.67]>: Sender address rejected: no");
  EXPECT_EQ(with("check_sender_a_access" + table).from("x@[IPv6:2001:db8::1]"),
            "554 5.7.1 <x@[IPv6:2001:db8::1]>: Sender address rejected: six");
  EXPECT_EQ(with("check_sender_ns_access" + table).from("x@[203.0.113.67]"), "ok");
  Server helo = with("check_helo_mx_access" + table);
  helo.helo = "203.0.113.67";
  EXPECT_EQ(helo.rcpt(), "554 5.7.1 <203.0.113.67>: Helo command rejected: no");
}

TEST_F(DnsFamilies, FirstEntryThatIsFoundEndsTheSearch) {
  EXPECT_EQ(with("check_sender_mx_access inline:{{mx.evil.test = DUNNO}, {203.0.113.67 = REJECT no}}, permit")
                .from("x@evil.test"),
            "ok");
}

TEST_F(DnsFamilies, ServersPermitNobody) {
  const logging::Capture log;
  EXPECT_EQ(with("check_sender_mx_access inline:{mx.evil.test=OK}, reject").from("x@evil.test"),
            "451 4.3.5 Server configuration error");
  EXPECT_TRUE(log.contains("restriction check_sender_mx_access returns OK for x@evil.test"));
  EXPECT_EQ(with("check_client_a_access inline:{192.0.2.9=OK}, reject").rcpt(), kDenied);  // client.test is not there
}

TEST_F(DnsFamilies, ServersThatCannotBeFoundAreToldAndPassedOver) {
  const logging::Capture log;
  const std::string rest = " static:{REJECT no}, permit";
  EXPECT_EQ(with("check_sender_mx_access inline:{a=b}, permit").from("x@evil.test"), "ok");
  EXPECT_TRUE(
      log.contains("Unable to look up MX host nowhere.test for Sender address x@evil.test: Name or service not known"));
  EXPECT_EQ(with("check_sender_mx_access" + rest).from("x@broken.test"), "ok");
  EXPECT_TRUE(log.contains("Unable to look up MX host for broken.test: Host not found, try again"));
  EXPECT_EQ(with("check_sender_ns_access" + rest).from("x@none.test"), "ok");
  EXPECT_TRUE(log.contains("Unable to look up NS host for x@none.test: Host not found"));
  EXPECT_EQ(with("check_sender_ns_access" + rest).from("x@y.broken.test"), "ok");
  EXPECT_TRUE(log.contains("Unable to look up NS host for broken.test: Host not found, try again"));
}

TEST_F(DnsFamilies, ClientsAreNamedAsElsewhere) {
  Server server = with("check_client_mx_access inline:{{mx.evil.test = REJECT no}}, reject");
  server.client.name = "evil.test";
  EXPECT_EQ(server.rcpt(), "554 5.7.1 <evil.test[198.51.100.7]>: Client host rejected: no");
  Server reverse = with("check_reverse_client_hostname_ns_access inline:{{ns.evil.test = REJECT no}}, reject");
  reverse.client.reverse_name = "x.evil.test";
  EXPECT_EQ(reverse.rcpt(), "554 5.7.1 <x.evil.test>: Unverified Client host rejected: no");
  reverse.client.reverse_name = "unknown";
  EXPECT_EQ(reverse.rcpt(), kDenied);
}

// --- backup mail exchangers

TEST_F(DnsFamilies, MailForWhomThisIsTheBackupIsPermitted) {
  Server server = with("permit_mx_backup, reject");
  const auto denied = [](std::string_view to) {
    return fmt::format("554 5.7.1 <{}>: Recipient address rejected: Access denied", to);
  };
  EXPECT_EQ(server.rcpt("x@backup.test"), "ok");
  EXPECT_EQ(server.rcpt("ann@local.test"), "ok");
  for (const std::string to : {"x@first.test", "x@equal.test", "x@others.test", "x@nullmx.test", "x@has-a.test",
                               "x@none.test", "x@[192.0.2.200]", "x%y@backup.test"})
    EXPECT_EQ(server.rcpt(to), denied(to));
}

TEST_F(DnsFamilies, BackupMayBeLimitedToNetworks) {
  EXPECT_EQ(with("permit_mx_backup, reject", "permit_mx_backup_networks = 203.0.113.0/24\n").rcpt("x@backup.test"),
            "ok");
  EXPECT_EQ(with("permit_mx_backup, reject", "permit_mx_backup_networks = 10.0.0.0/8\n").rcpt("x@backup.test"),
            "554 5.7.1 <x@backup.test>: Recipient address rejected: Access denied");
}

TEST_F(DnsFamilies, MailExchangersThatCannotBeFoundPutRejectionsOff) {
  Server server = with("permit_mx_backup, reject");
  EXPECT_EQ(server.rcpt("x@broken.test"),
            "450 4.4.4 <x@broken.test>: Recipient address rejected: Unable to look up mail exchanger information: "
            "Host not found, try again");
  EXPECT_EQ(server.rcpt("x@lame.test"),
            "450 4.4.4 <x@lame.test>: Recipient address rejected: Unable to look up mail exchanger host broken.test: "
            "Temporary failure in name resolution");
}

TEST_F(DnsFamilies, QuestionsAreToldToWhoeverWatches) {
  Server server = with("reject_rbl_client rbl.test=127.0.0.9, check_sender_a_access inline:{a=b}, reject");
  server.sender = "x@has-a.test";
  const Trace trace = server.trace();
  EXPECT_TRUE(trace.has("look up dns:A 7.100.51.198.rbl.test: 127.0.0.2, 127.0.1.5"));
  EXPECT_TRUE(trace.has("look up dns:addresses has-a.test: 192.0.2.9"));
}

}  // namespace

}  // namespace restrictions
