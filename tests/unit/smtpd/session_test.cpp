// The session's dialogue, command by command; and, by their dates, the defects that others had to mend.

#include <gtest/gtest.h>

#include "lib/smtpd_world.h"

namespace {

using smtpd_world::World;
using Codes = std::vector<int>;

const std::string kEhlo = "EHLO client.example\r\n";
const std::string kMail = "MAIL FROM:<ann@client.example>\r\n";
const std::string kRcpt = "RCPT TO:<bob@example.test>\r\n";
const std::string kQuit = "QUIT\r\n";

class Session : public testing::Test {
 protected:
  World& world() {
    if (!world_) world_ = std::make_unique<World>(main_cf);
    return *world_;
  }
  Codes codes(std::string_view input) { return world().codes(input); }
  std::string said(std::string_view input) { return world().say(input); }
  const smtpd_world::Taken& message() { return *world().sink.finished().at(0); }

  std::string main_cf;
  logging::Capture log;

 private:
  std::unique_ptr<World> world_;
};

TEST_F(Session, EhloTellsWhatIsOnOffer) {
  EXPECT_EQ(said(kEhlo + kQuit),
            "220 mail.example.test ESMTP Postfix\r\n250-mail.example.test\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n"
            "250-VRFY\r\n250-ETRN\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8\r\n"
            "250 CHUNKING\r\n221 2.0.0 Bye\r\n");
}

TEST_F(Session, DiscardedKeywordsAreNotOffered) {
  main_cf = "smtpd_discard_ehlo_keywords = size, DSN silent-discard\n";
  const std::string replies = said(kEhlo + kQuit);
  EXPECT_FALSE(replies.contains("SIZE"));
  EXPECT_FALSE(replies.contains("DSN"));
  EXPECT_FALSE(log.contains("discarding EHLO keywords"));
}

TEST_F(Session, DiscardedKeywordsByClientTakeThePlaceOfTheOthers) {
  main_cf = "smtpd_discard_ehlo_keywords = size\nsmtpd_discard_ehlo_keyword_address_maps = inline:{192.0.2.7=vrfy}\n";
  const std::string replies = said(kEhlo + kQuit);
  EXPECT_TRUE(replies.contains("SIZE"));
  EXPECT_FALSE(replies.contains("VRFY"));
  EXPECT_TRUE(log.contains("discarding EHLO keywords: VRFY"));
}

TEST_F(Session, LimitsAreAnnouncedWhenAskedFor) {
  main_cf = "smtpd_announce_limits = yes\nsmtpd_recipient_limit = 77\n";
  EXPECT_TRUE(said(kEhlo + kQuit).contains("250 LIMITS RCPTMAX=77\r\n"));
}

TEST_F(Session, AMessageIsTakenWithWhatIsKnownOfIt) {
  EXPECT_EQ(
      codes(kEhlo + "MAIL FROM:<ann@client.example> BODY=8BITMIME RET=HDRS ENVID=a+2Bb\r\n" +
            "RCPT TO:<\"b b\"@example.test> NOTIFY=SUCCESS,DELAY\r\nDATA\r\nSubject: x\r\n\r\n..a\r\n.\r\n" + kQuit),
      (Codes{250, 250, 250, 354, 250, 221}));
  EXPECT_TRUE(message().has(queue::RecordType::sender, "ann@client.example"));
  EXPECT_TRUE(message().has(queue::RecordType::recipient, "b b@example.test"));
  for (const char* each : {"encoding=8bit", "ret_flags=2", "envelope_id=a+b", "notify_flags=10",
                           "dsn_orig_rcpt=rfc822;\"b b\"@example.test", "log_ident=ABC123", "rewrite_context=remote",
                           "client_address=192.0.2.7", "helo_name=client.example", "protocol_name=ESMTP"})
    EXPECT_TRUE(message().has(queue::RecordType::attribute, each)) << each;
  EXPECT_EQ(message().content(), (std::vector<std::string>{"N Subject: x", "N ", "N .a"}));
  EXPECT_TRUE(log.contains("ABC123: client=unknown[192.0.2.7]"));
  EXPECT_TRUE(log.contains("disconnect from unknown[192.0.2.7] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5"));
}

TEST_F(Session, TheReceivedHeaderTellsOfTheClient) {
  codes(kEhlo + kMail + kRcpt + "DATA\r\n.\r\n" + kQuit);
  const auto lines = message().of(queue::RecordType::text);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0], "Received: from client.example (unknown [192.0.2.7])");
  EXPECT_EQ(lines[1], "\tby mail.example.test (Postfix) with ESMTP id ABC123");
  EXPECT_TRUE(lines[2].starts_with("\tfor <bob@example.test>; "));
}

TEST_F(Session, SeveralRecipientsAreNotNamedInTheHeader) {
  codes(kEhlo + kMail + kRcpt + kRcpt + "DATA\r\n.\r\n" + kQuit);
  EXPECT_EQ(message().of(queue::RecordType::text)[1], "\tby mail.example.test (Postfix) with ESMTP id ABC123;");
}

TEST_F(Session, AHiddenClientIsNotInTheHeader) {
  main_cf = "smtpd_hide_client_session = yes\n";
  codes(kEhlo + kMail + kRcpt + "DATA\r\n.\r\n" + kQuit);
  EXPECT_EQ(message().of(queue::RecordType::text)[0], "Received: by mail.example.test (Postfix) id ABC123");
}

TEST_F(Session, TheHeaderTellsOfTlsAndLoginWhenAskedTo) {
  main_cf = "smtpd_tls_received_header = yes\nsmtpd_sasl_authenticated_header = yes\n";
  world().say(kEhlo + kMail + kRcpt + "DATA\r\n.\r\n" + kQuit, [](smtpd::Session& session) {
    session.tls.active = true;
    session.tls.protocol = "TLSv1.3";
    session.tls.cipher = "TLS_AES_256_GCM_SHA384";
    session.tls.used_bits = session.tls.algorithm_bits = 256;
    session.tls.key_exchange = "X25519";
    session.tls.server_signature = "RSA-PSS (2048 bits)";
    session.tls.server_digest = "SHA256";
    session.sasl_method = "PLAIN";
    session.sasl_username = "ann";
  });
  const auto lines = message().of(queue::RecordType::text);
  ASSERT_GE(lines.size(), 6U);
  EXPECT_EQ(lines[1], "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)");
  EXPECT_EQ(lines[2], "\t key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256)");
  EXPECT_EQ(lines[3], "\t(No client certificate requested)");
  EXPECT_EQ(lines[4], "\t(Authenticated sender: ann)");
  EXPECT_EQ(lines[5], "\tby mail.example.test (Postfix) with ESMTPSA id ABC123");
  EXPECT_TRUE(log.contains("client=unknown[192.0.2.7], sasl_method=PLAIN, sasl_username=ann"));
}

TEST_F(Session, ALoginNameDoesNotGetOutOfItsComment) {
  main_cf = "smtpd_sasl_authenticated_header = yes\n";
  const auto shown = [&](const char* name) {
    world().say(kEhlo + kMail + kRcpt + "DATA\r\n.\r\n" + kQuit, [name](smtpd::Session& session) {
      session.sasl_method = "PLAIN";
      session.sasl_username = name;
    });
    return world().sink.finished().back()->of(queue::RecordType::text)[1];
  };
  EXPECT_EQ(shown("a) by evil (x"), "\t(Authenticated sender: a? by evil (x))");
  EXPECT_EQ(shown("a (b) c"), "\t(Authenticated sender: a (b) c)");
  EXPECT_EQ(shown(")(("), "\t(Authenticated sender: ?(()))");
  EXPECT_EQ(shown("a\\"), "\t(Authenticated sender: a?)");
  EXPECT_EQ(shown("\xe9"), "\t(Authenticated sender: ?)");
}

TEST_F(Session, RequireTlsTravelsWithTheMessage) {
  world().say(kEhlo + "MAIL FROM:<ann@client.example> REQUIRETLS\r\n" + kRcpt + "DATA\r\n.\r\n" + kQuit,
              [](smtpd::Session& session) { session.tls.active = true; });
  EXPECT_TRUE(message().has(queue::RecordType::attribute, "postrider_requiretls=yes"));
}

TEST_F(Session, RequireTlsIsUnknownInTheClear) {
  EXPECT_EQ(codes(kEhlo + "MAIL FROM:<ann@client.example> REQUIRETLS\r\n" + kQuit), (Codes{250, 555, 221}));
}

TEST_F(Session, AnErrorOfCleanupIsTemporaryAndTheSessionGoesOn) {
  world().sink.append_fails = true;
  EXPECT_EQ(codes(kEhlo + kMail + kRcpt + kRcpt + kQuit), (Codes{250, 250, 451, 451, 221}));
  world().sink.append_fails = false;
  world().sink.verdict = {client::cleanup_status::kWrite, ""};
  EXPECT_EQ(codes(kEhlo + kMail + kRcpt + "DATA\r\n.\r\nNOOP\r\n" + kQuit), (Codes{250, 250, 250, 354, 451, 250, 221}));
  EXPECT_TRUE(world().sink.finished().empty());
}

TEST_F(Session, WithoutCleanupThereIsNoMail) {
  world().sink.begin_fails = true;
  EXPECT_EQ(codes(kEhlo + kMail + kRcpt + "DATA\r\n" + kQuit), (Codes{250, 250, 451, 554, 221}));
}

TEST_F(Session, ARefusalOfTheContentIsPassedOn) {
  world().sink.verdict = {client::cleanup_status::kContent, "4.7.9 come again"};
  EXPECT_TRUE(said(kEhlo + kMail + kRcpt + "DATA\r\n.\r\n" + kQuit).contains("\r\n451 4.7.9 come again\r\n"));
}

TEST_F(Session, TheHardErrorLimitEndsASession) {
  main_cf = "smtpd_hard_error_limit = 2\n";
  EXPECT_EQ(codes("FOO\r\nFOO\r\nNOOP\r\n"), (Codes{500, 500, 421}));
  EXPECT_TRUE(log.contains("NOQUEUE: too many errors after UNKNOWN from unknown[192.0.2.7]"));
}

TEST_F(Session, JunkBecomesAnError) {
  main_cf = "smtpd_hard_error_limit = 1\nsmtpd_junk_command_limit = 2\n";
  EXPECT_EQ(codes("NOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\n"), (Codes{250, 250, 250, 250, 421}));
}

TEST_F(Session, RecipientsOverTheLimitAreForgivenForAWhile) {
  main_cf = "smtpd_recipient_limit = 1\nsmtpd_recipient_overshoot_limit = 2\nsmtpd_hard_error_limit = 1\n";
  EXPECT_EQ(codes(kMail + kRcpt + kRcpt + kRcpt + kRcpt + kQuit), (Codes{250, 250, 452, 452, 452, 421}));
}

TEST_F(Session, SoftErrorsAreAnsweredLate) {
  main_cf = "smtpd_soft_error_limit = 1\nsmtpd_error_sleep_time = 1\n";
  const auto start = io::Clock::now();
  codes("FOO\r\nNOOP\r\n");
  EXPECT_GE(io::Clock::now() - start, std::chrono::seconds(1));
}

TEST_F(Session, WhoTalksAheadIsShownOut) {
  main_cf = "smtpd_forbid_unauth_pipelining = yes\n";
  EXPECT_TRUE(
      said("EHLO x\r\nMAIL FROM:<a@b.example>\r\n").starts_with("554 5.5.0 Error: SMTP protocol synchronization"));
  EXPECT_TRUE(log.contains("improper command pipelining after CONNECT from unknown[192.0.2.7]: EHLO x\\r\\nMAIL FROM"));
}

TEST_F(Session, ThePasswordOfWhoTalksAheadIsNotInTheLog) {
  main_cf = "smtpd_forbid_unauth_pipelining = no\n";
  const auto told = [&](const std::string& input) {
    const std::size_t before = log.events().size();
    codes(input);
    std::string all;
    for (std::size_t i = before; i < log.events().size(); ++i) all += log.events()[i].text + "\n";
    EXPECT_TRUE(all.contains("improper command pipelining after ")) << all;
    EXPECT_FALSE(all.contains("c2VjcmV0")) << all;
    return all;
  };
  EXPECT_TRUE(told("EHLO x\r\nAUTH PLAIN c2VjcmV0\r\nQUIT\r\n")
                  .contains("CONNECT from unknown[192.0.2.7]: EHLO x\\r\\nAUTH PLAIN (not shown)"));
  EXPECT_TRUE(told("NOOP\r\n auth\tlogin\r\nam9l\r\nc2VjcmV0\r\n").contains("NOOP\\r\\n auth\\tlogin (not shown)"));
  told("HELO x\r\nAUTH\r\nc2VjcmV0\r\n");
  told("AUTHPLAIN c2VjcmV0\r\n");
  told(" AUTH PLAIN c2VjcmV0" + std::string(3000, 'A') + "\r\n");
}

TEST_F(Session, WebBrowsersAreShownOut) {
  EXPECT_EQ(codes("GET / HTTP/1.1\r\nHost: x\r\n"), (Codes{221}));
  EXPECT_TRUE(log.contains("non-SMTP command from unknown[192.0.2.7]: GET / HTTP/1.1"));
  EXPECT_EQ(codes("Subject: x\r\nNOOP\r\n"), (Codes{221}));
}

TEST_F(Session, NoopCommandsHideOthers) {
  main_cf = "smtpd_noop_commands = rset, foo\n";
  EXPECT_EQ(codes("FOO x\r\nRSET x\r\n" + kQuit), (Codes{250, 250, 221}));
}

TEST_F(Session, AClientMustGreetWhenItIsAskedTo) {
  main_cf = "smtpd_helo_required = yes\n";
  EXPECT_EQ(codes(kMail + "ETRN example.test\r\nHELO x\r\n" + kMail + kQuit), (Codes{503, 503, 250, 250, 221}));
}

TEST_F(Session, ARefusedSizeIsRememberedUntilTheClientBeginsAnew) {
  EXPECT_EQ(codes("MAIL FROM:<a@b.example> SIZE=99999999\r\n" + kMail + "RSET\r\n" + kMail + kQuit),
            (Codes{552, 552, 250, 250, 221}));
}

TEST_F(Session, TlsComesFirstWhereItMust) {
  main_cf = "smtpd_tls_security_level = encrypt\n";
  EXPECT_EQ(codes(kEhlo + kMail + "RSET\r\nNOOP\r\n" + kQuit), (Codes{250, 530, 530, 250, 221}));
}

TEST_F(Session, SoftBounceMakesRefusalsTemporary) {
  main_cf = "soft_bounce = yes\n";
  EXPECT_TRUE(said("FOO\r\n" + kQuit).contains("400 4.5.2 Error: command not recognized"));
}

TEST_F(Session, ATimeOutIsSaidAndLogged) {
  main_cf = "smtpd_timeout = 1\n";
  auto [ours, theirs] = io::socket_pair();
  restrictions::Client client;
  client.address = "192.0.2.7";
  smtpd::Session session(*world().shared, io::Stream(std::move(ours)), client);
  session.run();
  EXPECT_TRUE(log.contains("NOQUEUE: timeout after CONNECT from unknown[192.0.2.7]"));
  char said[512];
  const ssize_t size = ::recv(theirs.get(), said, sizeof said, 0);
  EXPECT_TRUE(std::string_view(said, static_cast<std::size_t>(size))
                  .contains("421 4.4.2 mail.example.test Error: timeout exceeded"));
}

TEST_F(Session, SlowContentRunsOutOfTime) {
  main_cf = "smtpd_timeout = 1\nsmtpd_per_request_deadline = yes\nsmtpd_min_data_rate = 100000\n";
  auto [ours, theirs] = io::socket_pair();
  world();
  io::Loop loop;
  restrictions::Client client;
  client.address = "192.0.2.7";
  smtpd::Session session(*world().shared, io::Stream(std::move(ours)), client);
  auto served = loop.spawn("session", [&] { session.run(); });
  auto slow = loop.spawn("client", [&, fd = theirs.get()] {
    const std::string begin = kEhlo + kMail + kRcpt + "DATA\r\n";
    (void)::send(fd, begin.data(), begin.size(), MSG_NOSIGNAL);
    for (int i = 0; i < 150 && !served.done(); ++i) {
      (void)::send(fd, "x\r\n", 3, MSG_NOSIGNAL);
      io::sleep_until(io::Deadline::after(std::chrono::milliseconds(100)));
    }
  });
  const auto start = io::Clock::now();
  ASSERT_TRUE(served.join(io::Deadline::after(std::chrono::seconds(20))));
  EXPECT_LT(io::Clock::now() - start, std::chrono::seconds(12));
  EXPECT_TRUE(log.contains("ABC123: timeout after DATA ("));
  ASSERT_TRUE(slow.join(io::Deadline::after(std::chrono::seconds(20))));
}

// --- 2026's defects elsewhere

TEST_F(Session, Defect0310AStatusCodeWithoutTextIsNoCrash) {
  world().sink.verdict = {client::cleanup_status::kContent, "5.7.1"};
  EXPECT_TRUE(said(kEhlo + kMail + kRcpt + "DATA\r\n.\r\n" + kQuit).contains("\r\n550 5.7.1 "));
}

TEST_F(Session, Defect0529AnEndlessLineIsNotReadForEver) {
  EXPECT_EQ(codes(std::string(500'000, 'x')).size(), 1U);
}

TEST_F(Session, Defect0529AnEndlessChunkIsNotReadForEver) {
  EXPECT_EQ(codes(kEhlo + "BDAT 999999999999 LAST\r\n" + std::string(1000, 'x')), (Codes{250, 503}));
}

TEST_F(Session, Defect0602EncodedNulBytesAreRefused) {
  EXPECT_EQ(codes(kEhlo + "MAIL FROM:<a@b.example> ENVID=a+00b\r\n" + kMail +
                  "RCPT TO:<bob@example.test> ORCPT=rfc822;a+00b\r\n" + kQuit),
            (Codes{250, 501, 250, 501, 221}));
}

TEST_F(Session, Defect0625ALongMailboxLineIsQuotedInPieces) {
  codes(kEhlo + kMail + kRcpt + "DATA\r\nFrom " + std::string(5000, 'x') + "\r\n\r\n.\r\n" + kQuit);
  const auto lines = message().content();
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(lines[0], "L X-Mailbox-Line: ");
  EXPECT_EQ(lines[1], "L From " + std::string(2043, 'x'));
}

TEST_F(Session, Defect0724DataAfterARefusedChunkIsRefused) {
  EXPECT_EQ(codes(kEhlo + "BDAT 3\r\nabcDATA\r\n" + kMail + "RSET\r\n" + kMail + kQuit),
            (Codes{250, 503, 503, 503, 250, 250, 221}));
}

TEST_F(Session, Defect0803ARefusalAtTheEndOfDataEndsTheTransaction) {
  main_cf = "message_size_limit = 100\n";
  EXPECT_EQ(
      codes(kEhlo + kMail + kRcpt + "DATA\r\n" + std::string(200, 'x') + "\r\n.\r\n" + kRcpt + "DATA\r\n" + kQuit),
      (Codes{250, 250, 250, 354, 552, 503, 503, 221}));
}

TEST_F(Session, Defect0805ChunksOfOneByteCostNoMemory) {
  std::string input = kEhlo + kMail + kRcpt;
  for (int i = 0; i < 20'000; ++i) input += "BDAT 1\r\nx";
  input += "BDAT 0 LAST\r\n" + kQuit;
  const auto all = codes(input);
  EXPECT_EQ(all[all.size() - 2], 250);
  const auto lines = message().content();
  ASSERT_EQ(lines.size(), 10U);
  EXPECT_EQ(lines[0], "L " + std::string(2048, 'x'));
}

TEST_F(Session, Defect0812VrfyInUtf8ChangesNoTransaction) {
  main_cf = "strict_smtputf8 = yes\n";
  EXPECT_EQ(codes(kEhlo + kMail +
                  "VRFY b\xC3\xB6"
                  "b@example.test\r\n" +
                  kRcpt + "DATA\r\n.\r\n" + kQuit),
            (Codes{250, 250, 553, 250, 354, 250, 221}));
  EXPECT_EQ(message().flags & client::cleanup_flag::kSmtpUtf8, 0);
}

TEST_F(Session, Defect0817AStrayCarriageReturnIsNoEnd) {
  codes(kEhlo + kMail + kRcpt + "DATA\r\na\r\n.\r\r\nb\r\n.\r\n" + kQuit);
  EXPECT_EQ(world().sink.begun.size(), 1U);
  EXPECT_EQ(message().content(), (std::vector<std::string>{"N a", "N \r", "N b"}));
}

}  // namespace
