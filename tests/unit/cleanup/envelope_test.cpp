#include "cleaning.h"

using namespace cleaning;

class Envelope : public Cleaning {
 protected:
  // An envelope of these records, and an ordinary message behind it.
  Cleaned with(const Records& envelope, int flags = kSmtpd) {
    Records records = envelope;
    append(records, {"M", "N Received: by x (Postfix)", "N", "N hello", "X", "E"});
    return clean(records, flags);
  }
  void expect_bad(const Records& envelope, const std::string& why) {
    const Cleaned result = with(envelope);
    EXPECT_EQ(result.status, status::kBad) << why;
    EXPECT_TRUE(result.logged(std::string(kId) + ": message rejected: " + why)) << why;
    EXPECT_TRUE(result.ended);
  }
};

TEST_F(Envelope, IsStoredInTheOrderInWhichItCame) {
  EXPECT_EQ(envelope_of({kTime, "L smtp:x", "A rewrite_context=local", "F Joe", "S s@fmt.test", "A encoding=8bit",
                         "R r@fmt.test", "M", "E"}),
            (Records{kTime, "A create_time=1795258990", "L smtp:x", "A rewrite_context=local", "F Joe", "S s@fmt.test",
                     "A encoding=8bit", "A dsn_orig_rcpt=rfc822;r@fmt.test", "O r@fmt.test", "R r@fmt.test"}));
}
TEST_F(Envelope, WithoutSenderIsRefused) {
  expect_bad({kTime, "R r"}, "missing sender envelope record");
  expect_bad({kTime}, "missing sender envelope record");
  expect_bad({kTime, "R r", "S s"}, "missing sender envelope record");
}
TEST_F(Envelope, WithoutTimeIsRefused) {
  expect_bad({"S s", "R r"}, "missing time envelope record");
  expect_bad({"T abc", "S s", "R r"}, "missing time envelope record");
}
TEST_F(Envelope, WithTwoSendersIsRefused) {
  expect_bad({kTime, "S s", "S s", "R r"}, "multiple envelope sender records");
}
TEST_F(Envelope, WithRecordsThatDoNotBelongThereIsRefused) {
  expect_bad({kTime, "S s", "N x", "R r"}, "unexpected record type 78 in envelope");
  expect_bad({kTime, "S s", "Z x", "R r"}, "unexpected record type 90 in envelope");
  expect_bad({kTime, "S s", "R r", "X"}, "unexpected record type 88 in envelope");
  expect_bad({kTime, "S s", "p               0", "R r"}, "unexpected record type 112 in envelope");
}
TEST_F(Envelope, AsksForSmtpUtf8ByAnAttribute) {
  EXPECT_EQ(with({kTime, "A postrider_smtputf8=yes", "S s", "R r"}).sizes().smtputf8, 1);
  EXPECT_TRUE(with({kTime, "A postrider_smtputf8=yes", "S s", "R é@x"}).has("A dsn_orig_rcpt=utf-8;é@x"));
  configure("smtputf8_enable = no");
  EXPECT_EQ(with({kTime, "A postrider_smtputf8=yes", "S s", "R r"}).sizes().smtputf8, 0);
}
TEST_F(Envelope, AsksForRequireTlsByAnAttributeThatIsKept) {
  EXPECT_TRUE(with({kTime, "A postrider_requiretls=yes", "S s", "R r"}).has("A postrider_requiretls=yes"));
  configure("requiretls_enable = no");
  EXPECT_FALSE(with({kTime, "A postrider_requiretls=yes", "S s", "R r"}).has("A postrider_requiretls=yes"));
}
TEST_F(Envelope, AsksForRequireTlsByAHeaderThatHasPassedAFilter) {
  const auto asked = [&](const std::string& header, const Records& envelope = {}) {
    return std::ranges::count(clean(message(envelope, {"N " + header})).records, "A postrider_requiretls=yes");
  };
  EXPECT_EQ(asked("Require-TLS-ESMTP: yes"), 1);
  EXPECT_EQ(asked("require-tls-esmtp:  Yes "), 1);
  EXPECT_EQ(asked("Require-TLS-ESMTP: yes", {"A postrider_requiretls=yes"}), 1);
  EXPECT_EQ(asked("Require-TLS-ESMTP: no"), 0);
  EXPECT_EQ(asked("X-Require-TLS-ESMTP: yes"), 0);
  configure("requiretls_esmtp_header = no");
  EXPECT_EQ(asked("Require-TLS-ESMTP: yes"), 0);
  configure("requiretls_enable = no");
  EXPECT_EQ(asked("Require-TLS-ESMTP: yes"), 0);
}
TEST_F(Envelope, AnEndInItEndsTheMessage) {
  const Cleaned result = clean({kTime, "S s", "R r", "E"});
  EXPECT_TRUE(result.ended);
  EXPECT_EQ(result.status, status::kBad);
}
TEST_F(Envelope, TheSecondTimeIsDropped) {
  EXPECT_EQ(with({kTime, "T 5 5", "S s", "R r"}).between("T ", "S"),
            (Records{kTime, "A create_time=1795258990", "A create_time=1795258990"}));
}
TEST_F(Envelope, OnlyTheFirstFullNameIsKept) {
  const Cleaned result = with({kTime, "F One", "F Two", "S s", "R r"});
  EXPECT_TRUE(result.has("F One"));
  EXPECT_FALSE(result.has("F Two"));
}
TEST_F(Envelope, SizeAndCreationTimeAreWrittenAnew) {
  const Cleaned result = with({"C 1 2 3", kTime, "c 5", "A create_time=7", "S s", "R r"});
  EXPECT_FALSE(result.has("C 1 2 3"));
  EXPECT_FALSE(result.has("c 5"));
  EXPECT_FALSE(result.has("A create_time=7"));
}
TEST_F(Envelope, DelayWarningIsDueAfterDelayWarningTime) {
  configure("delay_warning_time = 4h");
  EXPECT_EQ(with({kTime, "S s", "A notify_flags=2", "R r"}).between("S", "O").at(1), "W      1795273388");
  EXPECT_EQ(with({kTime, "S s"}).between("S", "M").at(1), "W      1795273388");
}
TEST_F(Envelope, NoDelayWarningForNobodyOrWhenThereIsOneAlready) {
  configure("delay_warning_time = 4h");
  EXPECT_TRUE(with({kTime, "S", "R r"}).between("W", "M").empty());
  EXPECT_EQ(with({kTime, "S s", "W              -1", "R r"}).between("W", "A"), Records{"W              -1"});
}
TEST_F(Envelope, HoldAndDiscardMayBeAskedForOnTheWay) {
  EXPECT_TRUE(with({kTime, "f 4", "S s", "R r"}).flags & flag::kHold);
  EXPECT_TRUE(with({kTime, "f 8", "S s", "R r"}).flags & flag::kDiscard);
  const Cleaned other = with({kTime, "f 20", "S s", "R r"});
  EXPECT_FALSE(other.flags & flag::kHold);
  EXPECT_TRUE(other.logged("ignoring bad extra flags: 0x14"));
  EXPECT_FALSE(other.has("f 20"));
}
TEST_F(Envelope, AttributesNeedANameAndAnEqualsSign) {
  expect_bad({kTime, "A foo", "S s", "R r"}, "malformed attribute: missing '=' after attribute name: foo");
  expect_bad({kTime, "A =x", "S s", "R r"}, "malformed attribute: missing attribute name: =x");
}
TEST_F(Envelope, NullAttributesAreDropped) {
  const Cleaned result = with({kTime, "A foo=", "S s", "R r"});
  EXPECT_EQ(result.status, 0);
  EXPECT_FALSE(result.has("A foo="));
  EXPECT_TRUE(result.logged("spurious null attribute value for \"foo\" -- ignored"));
}
TEST_F(Envelope, AttributesAreLimitedInNumber) {
  configure("queue_file_attribute_count_limit = 3");
  EXPECT_EQ(with({kTime, "A a=1", "A b=1", "S s", "R r"}).status, 0);
  EXPECT_EQ(with({kTime, "A a=1", "A a=2", "A a=3", "A a=4", "S s", "R r"}).status, 0);
  expect_bad({kTime, "A a=1", "A b=1", "A c=1", "S s", "R r"}, "attribute count exceeds limit 3");
}
TEST_F(Envelope, AttributesWithAMeaningAreChecked) {
  expect_bad({kTime, "A rewrite_context=foo", "S s", "R r"}, "bad rewriting context: foo");
  expect_bad({kTime, "A trace_flags=zz", "S s", "R r"}, "bad TFLAG record <trace_flags=zz>");
  expect_bad({kTime, "A ret_flags=3", "S s", "R r"}, "bad DSN RET record <ret_flags=3>");
  expect_bad({kTime, "< 3", "S s", "R r"}, "bad DSN RET record <3>");
}
TEST_F(Envelope, BadVerpDelimitersAreDropped) {
  EXPECT_TRUE(with({kTime, "S s", "V +=", "R r"}).has("V +="));
  for (const char* bad : {"V +", "V ab", "V +=-"}) EXPECT_FALSE(with({kTime, "S s", bad, "R r"}).has(bad)) << bad;
}
TEST_F(Envelope, TellsQmgrWhenOtherRecordsFollowRecipients) {
  EXPECT_EQ(with({kTime, "S s", "R r"}).sizes().hints, 0);
  EXPECT_EQ(with({kTime, "S s", "R r", "A x=y"}).sizes().hints, 1);
  EXPECT_EQ(with({kTime, "S s", "R r", "T 1 2"}).sizes().hints, 1);
  EXPECT_EQ(with({kTime, "S s", "K x", "R r"}).sizes().hints, 1);
}
TEST_F(Envelope, TellsQmgrWhatSendersWantToBeToldAbout) {
  EXPECT_EQ(with({kTime, "S s", "n 2", "R r", "n 8", "R q"}).sizes().hints, (2 | 8) << 1);
}
TEST_F(Envelope, ExtractedSegmentHasRulesOfItsOwn) {
  EXPECT_EQ(clean(message({}, {}, {"N x"}, {"S s"})).status, status::kBad);
  EXPECT_EQ(clean(message({}, {}, {"N x"}, {"T 1 1"})).status, status::kBad);
  EXPECT_EQ(clean(message({}, {}, {"N x"}, {"L a:b", "> x@y", "A foo=bar"})).between("X", "E"),
            (Records{"X", "L a:b", "> x@y", "A foo=bar"}));
}
TEST_F(Envelope, ExtractedRecipientsMakeAMessageComplete) {
  const Cleaned result = clean({kTime, "S s@x", "M", "N Received: x", "N", "X", "n 2", "R r@x", "E"});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.between("X", "E"),
            (Records{"X", "A notify_flags=2", "A dsn_orig_rcpt=rfc822;r@x", "O r@x", "R r@x"}));
}
TEST_F(Envelope, AMessageWithoutRecipientsIsRefused) {
  EXPECT_EQ(with({kTime, "S s"}).status, status::kNoRecipients);
  EXPECT_EQ(with({kTime, "S s", "D d", "/ c"}).status, status::kNoRecipients);
}
TEST_F(Envelope, EncodingIsRepeatedBehindTheContent) {
  EXPECT_EQ(clean(message({"A encoding=8bit"})).between("X", "E"), (Records{"X", "A encoding=8bit"}));
}
TEST_F(Envelope, ARequeuedMessageComesOutAsItWas) {
  const Records before = clean(message({"A x=y", "W              -1"}, {"N Message-Id: <a@b>"})).records;
  EXPECT_EQ(clean(before, flag::kFilter | flag::kMapOk).records, before);
}
TEST_F(Envelope, DiscardedMailIsNotLookedAt) {
  const Cleaned result = clean({"Z", "M", "R x", "E"}, kSmtpd | flag::kDiscard);
  EXPECT_TRUE(result.ended);
  EXPECT_EQ(result.status, 0);
  EXPECT_TRUE(result.log.empty());
}
