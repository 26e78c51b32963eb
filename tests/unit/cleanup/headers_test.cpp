#include "cleaning.h"

using namespace cleaning;

class Headers : public Cleaning {
 protected:
  // The header as it is written, without what cleanup adds.
  Records of(Records head, int flags = kSmtpd) {
    append(head, {"N Message-Id: <a@b>", "N Date: d", "N From: f@x"});
    Records found = header_of(head, flags);
    found.resize(found.size() - 3);
    return found;
  }
};

TEST_F(Headers, OfOthersAreLeftAlone) {
  EXPECT_EQ(of({"N Subject:  x ", "N X-To: bob", "N Received: a", "N \t b"}),
            (Records{"N Subject:  x ", "N X-To: bob", "N Received: a", "N \t b"}));
}
TEST_F(Headers, WithAddressesAreCompleted) {
  EXPECT_EQ(of({"N To: bob, joe@x (Joe)", "N Cc: a@b,c@d"}),
            (Records{"N To: bob@fmt.test, joe@x (Joe)", "N Cc: a@b,c@d"}));
}
TEST_F(Headers, FromElsewhereAreNotRewritten) {
  const Cleaned result = clean(message({"A rewrite_context=remote"}, {"N To: bob"}));
  EXPECT_TRUE(result.has("N To: bob"));
  configure("remote_header_rewrite_domain = domain.invalid");
  EXPECT_TRUE(clean(message({"A rewrite_context=remote"}, {"N To: bob"})).has("N To: bob@domain.invalid"));
}
TEST_F(Headers, AreMappedByTheClassOfTheirName) {
  configure("sender_canonical_maps = inline:{a=sender@x}\nrecipient_canonical_maps = inline:{a=recipient@x}");
  EXPECT_EQ(of({"N Reply-To: a", "N To: a"}), (Records{"N Reply-To: sender@x", "N To: recipient@x"}));
  EXPECT_EQ(of({"N To: a"}, kSmtpd & ~flag::kMapOk), Records{"N To: a@fmt.test"});
}
TEST_F(Headers, AreMasqueradedExceptForExceptions) {
  configure("masquerade_domains = m.test\nmasquerade_exceptions = root");
  EXPECT_EQ(of({"N To: joe@a.m.test, root@a.m.test"}), Records{"N To: joe@m.test, root@a.m.test"});
}
TEST_F(Headers, ThatNobodyMaySeeAreDropped) {
  EXPECT_EQ(of({"N Bcc: x,", "N  y", "N Content-Length: 9", "N Return-Path: <x>", "N X: y"}), Records{"N X: y"});
}
TEST_F(Headers, LoseBlanksBeforeTheColon) {
  EXPECT_EQ(of({"N Subject \t: x", "N To : bob@x"}), (Records{"N Subject: x", "N To: bob@x"}));
}
TEST_F(Headers, MayComeInPieces) {
  EXPECT_EQ(of({"L Subject: a", "L b", "N c", "N \td"}), (Records{"N Subject: abc", "N \td"}));
}
TEST_F(Headers, AreWrittenInPiecesOfLineLengthLimit) {
  const std::string two(1000, 'x');
  configure("line_length_limit = 512");
  const Records lines = of({"N S: " + two});
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], "L S: " + std::string(509, 'x'));
  EXPECT_EQ(lines[1], "N " + std::string(491, 'x'));
}
TEST_F(Headers, AreCutAtHeaderSizeLimit) {
  configure("header_size_limit = 100");
  EXPECT_EQ(of({"N S: " + std::string(200, 'x'), "N \ty", "N T: z"}),
            (Records{"N S: " + std::string(97, 'x'), "N T: z"}));
}
TEST_F(Headers, EndAtAnEmptyLineOrAtWhatIsNone) {
  EXPECT_EQ(clean(content({"N Received: x", "N", "N To: y"})).between("N", "X").back(), "N To: y");
  const Records lines = clean(content({"N Received: x", "N no header", "N To: y"})).between("N", "X");
  EXPECT_EQ(Records(lines.end() - 3, lines.end()), (Records{"N", "N no header", "N To: y"}));
}
TEST_F(Headers, TheBadEndMayBeTold) {
  configure("non_empty_end_of_header_action = add_header");
  EXPECT_TRUE(clean(content({"N Received: x", "N no header"}))
                  .has("N MIME-Error: message header was not terminated by empty line"));
  configure("non_empty_end_of_header_action = reject");
  EXPECT_EQ(clean(content({"N Received: x", "N no header"})).status, status::kContent);
  EXPECT_EQ(clean(content({"N Received: x", "N", "N no header"})).status, 0);
}
TEST_F(Headers, NeedAReceived) {
  const Cleaned result = clean(content({"N Subject: x", "N"}));
  EXPECT_EQ(result.status, status::kBad);
  EXPECT_TRUE(result.logged(": message rejected: no Received: header"));
}
TEST_F(Headers, WithTooManyReceivedAreALoop) {
  configure("hopcount_limit = 3");
  EXPECT_EQ(clean(message({}, {"N Received: a"})).status, 0);
  const Cleaned result = clean(message({}, {"N Received: a", "N received: b", "N Received: c"}));
  EXPECT_EQ(result.status, status::kHops);
  EXPECT_TRUE(result.logged(": message rejected: hopcount exceeded"));
}
TEST_F(Headers, TellTheMessageId) {
  EXPECT_TRUE(clean(message({}, {"N Message-ID:", "N  <1@x>"})).logged("9F850A78B12: message-id=<1@x>"));
  EXPECT_TRUE(clean(message({}, {"N Resent-Message-ID: <2@x>"})).logged("9F850A78B12: resent-message-id=<2@x>"));
}
TEST_F(Headers, ThatAreNotAsciiAreNoted) {
  EXPECT_EQ(clean(message({}, {"N Subject: é"})).sizes().smtputf8, 2);
  EXPECT_EQ(clean(message({}, {"N Subject: é"}), kSmtpd | flag::kAutoUtf8).sizes().smtputf8, 3);
  EXPECT_EQ(clean(message({}, {"N Bcc: é"})).sizes().smtputf8, 0);
  configure("canonical_maps = inline:{{é@x.example=e@x.example}}");
  EXPECT_EQ(clean(message({}, {"N To: é@x.example"})).sizes().smtputf8, 0);
  configure("smtputf8_enable = no");
  EXPECT_EQ(clean(message({}, {"N Subject: é"})).sizes().smtputf8, 0);
}
TEST_F(Headers, TellOf8BitContent) {
  EXPECT_EQ(clean(message({}, {"N Content-Transfer-Encoding: BINARY"})).between("X", "E"),
            (Records{"X", "A encoding=8bit"}));
  configure("detect_8bit_encoding_header = no");
  EXPECT_EQ(clean(message({}, {"N Content-Transfer-Encoding: 8bit"})).between("X", "E"), Records{"X"});
}
