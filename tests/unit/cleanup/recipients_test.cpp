#include "cleaning.h"

using namespace cleaning;

class Recipients : public Cleaning {
 protected:
  // What is written for these recipient records.
  Records of(const Records& recipients, int flags = kSmtpd) {
    Records records{kTime, "S s@fmt.test"};
    append(records, recipients);
    append(records, {"M", "N Received: x", "N", "X", "E"});
    result_ = clean(records, flags);
    Records found = result_.between("S ", "M");
    found.erase(found.begin());
    return found;
  }
  Records addresses(const Records& recipients, int flags = kSmtpd) {
    Records found = of(recipients, flags);
    std::erase_if(found, [](const std::string& record) { return record[0] != 'R'; });
    return found;
  }
  Cleaned result_;
};

TEST_F(Recipients, AreCompletedAndRememberWhatTheyWere) {
  EXPECT_EQ(of({"R bob"}), (Records{"A dsn_orig_rcpt=rfc822;bob@fmt.test", "O bob", "R bob@fmt.test"}));
}
TEST_F(Recipients, KeepWhatTheClientSaidOfThem) {
  EXPECT_EQ(of({"A notify_flags=8", "A dsn_orig_rcpt=rfc822;k", "O kk", "R bob@x"}),
            (Records{"A notify_flags=8", "A dsn_orig_rcpt=rfc822;k", "O kk", "R bob@x"}));
}
TEST_F(Recipients, AGroupIsUsedUpByTheNextRecipient) {
  EXPECT_EQ(of({"n 2", "o rfc822;k", "O kk", "D done@x", "R bob@x"}),
            (Records{"A dsn_orig_rcpt=rfc822;bob@x", "O bob@x", "R bob@x"}));
}
TEST_F(Recipients, OutOfOrderRecordsAreToldAndTheLastCounts) {
  EXPECT_EQ(of({"n 2", "n 4", "o a", "o b", "O 1", "O 2", "R bob@x"}),
            (Records{"A notify_flags=4", "A dsn_orig_rcpt=b", "O 2", "R bob@x"}));
  EXPECT_TRUE(result_.logged("ignoring out-of-order DSN notify record <2>"));
  EXPECT_TRUE(result_.logged("ignoring out-of-order DSN original recipient record <a>"));
  EXPECT_TRUE(result_.logged("ignoring out-of-order original recipient record <1>"));
}
TEST_F(Recipients, NeverAndTheOthersExcludeEachOther) {
  for (const char* bad : {"n 3", "n 0", "n 15", "n -1", "n 16", "n x"}) {
    EXPECT_EQ(of({bad, "R b@x"}).size(), 3U) << bad;
    EXPECT_TRUE(result_.logged("ignoring malformed DSN notify record <")) << bad;
  }
  EXPECT_EQ(of({"n 14", "R b@x"}).at(0), "A notify_flags=14");
}
TEST_F(Recipients, NobodyIsMailerDaemon) {
  EXPECT_EQ(of({"R"}), (Records{"A dsn_orig_rcpt=rfc822;MAILER-DAEMON@fmt.test", "O", "R MAILER-DAEMON@fmt.test"}));
}
TEST_F(Recipients, ThatAreNotAsciiAreUtf8WhenTheClientSpeaksIt) {
  EXPECT_EQ(of({"R é@x"}, kSmtpd).at(0), "A dsn_orig_rcpt=rfc822;é@x");
  EXPECT_EQ(of({"R é@x"}, kSmtpd | flag::kSmtpUtf8).at(0), "A dsn_orig_rcpt=utf-8;é@x");
  EXPECT_EQ(of({"R é@x"}, kSmtpd | flag::kAutoUtf8).at(0), "A dsn_orig_rcpt=utf-8;é@x");
  EXPECT_EQ(result_.sizes().smtputf8, 1);
  configure("canonical_maps = inline:{{é@x=e@x}, {f@x=ö@x}}");
  EXPECT_EQ(of({"R é@x"}, kSmtpd | flag::kAutoUtf8).at(0), "A dsn_orig_rcpt=rfc822;e@x");
  EXPECT_EQ(of({"R f@x"}, kSmtpd | flag::kAutoUtf8).at(0), "A dsn_orig_rcpt=utf-8;ö@x");
}
TEST_F(Recipients, ComeOnceEach) {
  EXPECT_EQ(addresses({"R bob", "R BOB", "O other", "R bob", "n 2", "R bob", "o rfc822;k", "R bob"}),
            (Records{"R bob@fmt.test", "R bob@fmt.test", "R bob@fmt.test", "R bob@fmt.test"}));
  configure("enable_original_recipient = no");
  EXPECT_EQ(addresses({"R bob", "R BOB@fmt.test", "O other", "R bob", "n 2", "R bob"}), Records{"R bob@fmt.test"});
}
TEST_F(Recipients, RemembersNoMoreThanTheLimit) {
  configure("duplicate_filter_limit = 2");
  EXPECT_EQ(addresses({"R a", "R b", "R c", "R c", "R a"}),
            (Records{"R a@fmt.test", "R b@fmt.test", "R c@fmt.test", "R c@fmt.test"}));
}
TEST_F(Recipients, AreMappedBeforeTheyAreExpanded) {
  configure("recipient_canonical_maps = inline:{bob=robert}\nvirtual_alias_maps = inline:{{robert=r1, r2@x}}");
  EXPECT_EQ(of({"R bob"}), (Records{"A dsn_orig_rcpt=rfc822;robert@fmt.test", "O bob", "R r1@fmt.test",
                                    "A dsn_orig_rcpt=rfc822;robert@fmt.test", "O bob", "R r2@x"}));
  EXPECT_EQ(addresses({"R bob"}, kSmtpd & ~flag::kMapOk), Records{"R bob@fmt.test"});
}
TEST_F(Recipients, AnAliasIsTheSuccessThatItsSenderHearsOf) {
  configure("virtual_alias_maps = inline:{{list=r1@x, r2@x}, {one@fmt.test=r1@x}, {same@fmt.test=same@fmt.test}}");
  EXPECT_EQ(of({"n 6", "o rfc822;k", "R list@fmt.test"}),
            (Records{"A notify_flags=4", "A dsn_orig_rcpt=rfc822;k", "O list@fmt.test", "R r1@x", "A notify_flags=4",
                     "A dsn_orig_rcpt=rfc822;k", "O list@fmt.test", "R r2@x"}));
  EXPECT_EQ(result_.expanded, (Records{"list@fmt.test expanded 2.0.0 alias expanded"}));
  EXPECT_EQ(of({"n 2", "R one@fmt.test"}).at(0), "A notify_flags=1");
  EXPECT_EQ(of({"n 2", "R same@fmt.test"}).at(0), "A notify_flags=2");
  EXPECT_TRUE(result_.expanded.empty());
  EXPECT_EQ(of({"n 4", "R one@fmt.test"}).at(0), "A notify_flags=4");
  EXPECT_TRUE(result_.expanded.empty());
}
TEST_F(Recipients, AnExpansionThatFailsRefusesTheMessageForNow) {
  configure("virtual_alias_maps = fail:virtual");
  of({"R bob"});
  EXPECT_EQ(result_.status, status::kWrite);
  EXPECT_EQ(result_.reason, "4.6.0 Alias expansion error");
  configure("virtual_alias_maps = inline:{{a=b,c,d}}\nvirtual_alias_expansion_limit = 2");
  of({"R a"});
  EXPECT_EQ(result_.status, status::kDefer);
  EXPECT_EQ(result_.reason, "4.6.0 Alias expansion error");
}
TEST_F(Recipients, ACanonicalTableThatFailsRefusesTheMessageForNow) {
  configure("canonical_maps = fail:canonical");
  of({"R bob"});
  EXPECT_EQ(result_.status, status::kWrite);
  EXPECT_TRUE(result_.logged("canonical_maps map lookup problem for s@fmt.test -- message not accepted"));
}
TEST_F(Recipients, MasqueradingIsForSendersUnlessAskedFor) {
  configure("masquerade_domains = fmt.test");
  EXPECT_EQ(addresses({"R a@host.fmt.test"}), Records{"R a@host.fmt.test"});
  configure("masquerade_domains = fmt.test\nmasquerade_classes = envelope_recipient");
  EXPECT_EQ(addresses({"R a@host.fmt.test"}), Records{"R a@fmt.test"});
}
TEST_F(Recipients, CopiesAreSentWithoutNotices) {
  configure("recipient_bcc_maps = inline:{bob=log@x}");
  EXPECT_EQ(of({"R bob@fmt.test"}), (Records{"A dsn_orig_rcpt=rfc822;bob@fmt.test", "O bob@fmt.test", "R bob@fmt.test",
                                             "A notify_flags=1", "O log@x", "R log@x"}));
  EXPECT_EQ(result_.sizes().hints, 0);
  EXPECT_EQ(result_.sizes().recipients, 2);
  EXPECT_EQ(addresses({"R bob@fmt.test"}, kSmtpd & ~flag::kBccOk), Records{"R bob@fmt.test"});
}
TEST_F(Recipients, TheSendersCopyStandsBehindTheSender) {
  configure("sender_bcc_maps = inline:{s=log}\ndelay_warning_time = 1h");
  EXPECT_EQ(of({"R b@x"}), (Records{"A notify_flags=1", "O log@fmt.test", "R log@fmt.test", "W      1795262588",
                                    "A dsn_orig_rcpt=rfc822;b@x", "O b@x", "R b@x"}));
}
TEST_F(Recipients, AlwaysBccIsTheLast) {
  configure("always_bcc = all\nvirtual_alias_maps = inline:{all=archive}");
  of({"R b@x"});
  EXPECT_EQ(result_.between("X", "E"), (Records{"X", "A notify_flags=1", "O all@fmt.test", "R archive@fmt.test"}));
}
TEST_F(Recipients, CopiesAloneAreNoRecipients) {
  configure("sender_bcc_maps = inline:{s=log}\nalways_bcc = all");
  of({});
  EXPECT_EQ(result_.status, status::kNoRecipients);
}
