#include "queue/message.h"

#include <fmt/format.h>

#include "lib/message_text.h"

#include <set>

namespace {

using queue::Envelope;
using queue::MessageFile;
using queue::Sizes;
using tests::MessageText;
using tests::record;

class QueueFile : public testing::Test {
 protected:
  MessageFile open(std::string_view content) { return MessageFile(tests::file_of(content), "active/ID"); }
  Envelope envelope(const MessageText& message) {
    auto read = open(message.text()).read_envelope();
    EXPECT_TRUE(read) << (read ? "" : read.error().text);
    return read.value_or(Envelope{});
  }
  std::string damage(std::string_view content) {
    auto read = open(content).read_envelope();
    return read ? "(none)" : read.error().text;
  }
};

TEST(Sizes, AreSixColumnsOf15) {
  Sizes sizes{324, 491, 4, 0, 324, 0};
  EXPECT_EQ(sizes.text().size(), 95u);
  EXPECT_EQ(sizes.text(),
            "            324             491               4               0             324               0");
}

TEST(Sizes, OfOldFilesAreThree) {
  const auto sizes = Sizes::parse("  324  491  4");
  ASSERT_TRUE(sizes);
  EXPECT_EQ(sizes->content, 324);
  EXPECT_FALSE(Sizes::parse("324 491"));
  EXPECT_FALSE(Sizes::parse("324 -1 4"));
  EXPECT_FALSE(Sizes::parse("324 x 4"));
  EXPECT_FALSE(Sizes::parse("99999999999999999999 1 4"));
}

TEST_F(QueueFile, HasAnEnvelope) {
  MessageText message;
  message.envelope.push_back(record('F', "Full Name"));
  message.envelope.push_back(record('A', "log_client_name=host.example"));
  message.envelope.push_back(record('A', "sasl_username=me"));
  message.envelope.push_back(record('V', "+="));
  const Envelope read = envelope(message);
  EXPECT_EQ(read.sender, "sender@a.example");
  EXPECT_EQ(read.arrival.seconds, 1795258988);
  EXPECT_EQ(read.arrival.microseconds, 27007);
  EXPECT_EQ(read.create_time, 1795258990);
  EXPECT_EQ(read.full_name, "Full Name");
  EXPECT_EQ(read.log_client.name, "host.example");
  EXPECT_EQ(read.log_client.sasl_username, "me");
  EXPECT_EQ(read.log_client.rewrite_context, "local");
  EXPECT_EQ(read.verp_delimiters, "+=");
  EXPECT_EQ(read.sizes.recipients, 1);
  EXPECT_FALSE(read.warning_time);
}

TEST_F(QueueFile, DsnValuesComeAsAttributesOrAsRecords) {
  MessageText by_name;
  by_name.envelope.insert(by_name.envelope.end(), {record('A', "envelope_id=x"), record('A', "ret_flags=2")});
  MessageText by_letter;
  by_letter.envelope.insert(by_letter.envelope.end(), {record('i', "x"), record('<', "2")});
  for (const auto& message : {by_name, by_letter}) {
    EXPECT_EQ(envelope(message).envelope_id, "x");
    EXPECT_EQ(envelope(message).return_flags, queue::dsn_return::kHeaders);
  }
}

TEST_F(QueueFile, TheExtractedSegmentIsPartOfTheEnvelope) {
  MessageText message;
  message.extracted = {record('L', "smtp:[filter]:10025"), record('>', "other@b.example"),
                       record('A', "encoding=8bit")};
  const Envelope read = envelope(message);
  EXPECT_EQ(read.filter, "smtp:[filter]:10025");
  EXPECT_EQ(read.redirect, "other@b.example");
  EXPECT_EQ(read.encoding, "8bit");
}

TEST_F(QueueFile, WhatFollowsRecipientsOfSenderBccMapsCounts) {
  MessageText message;
  message.recipients = {record('R', "bcc@b.example"), record('V', "+="), record('A', "trace_flags=512"),
                        record('R', "one@b.example")};
  EXPECT_EQ(envelope(message).verp_delimiters, "+=");
  EXPECT_EQ(envelope(message).trace_flags, 512);
}

TEST_F(QueueFile, WhatFollowsManyRecipientsCountsWhenTheHintSaysSo) {
  MessageText message;
  message.recipients.assign(5000, record('R', "one@b.example"));
  message.recipients.push_back(record('A', "encoding=7bit"));
  EXPECT_EQ(envelope(message).encoding, "");
  message.hints = 1;
  EXPECT_EQ(envelope(message).encoding, "7bit");
}

TEST_F(QueueFile, OldFilesNameTheClientOnlyOnce) {
  MessageText message;
  message.envelope.insert(message.envelope.end(),
                          {record('A', "client_name=c.example"), record('A', "protocol_name=SMTP")});
  EXPECT_EQ(envelope(message).log_client.name, "c.example");
  EXPECT_EQ(envelope(message).log_client.protocol, "SMTP");
  message.envelope.push_back(record('A', "log_client_name=l.example"));
  EXPECT_EQ(envelope(message).log_client.name, "l.example");
}

TEST_F(QueueFile, RecipientsComeWithWhatBelongsToThem) {
  MessageText message;
  message.recipients = {record('A', "notify_flags=4"), record('A', "dsn_orig_rcpt=rfc822;x@y"),
                        record('O', "orig@b.example"), record('R', "one@b.example"),
                        record('O', "done@b"),         record('A', "notify_flags=1"),
                        record('D', "done@b.example"), record('R', "two@b.example")};
  message.extracted = {record('O', "three"), record('R', "three@b.example")};
  const auto batch = open(message.text()).read_recipients(0, 100);
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->next, 0);
  ASSERT_EQ(batch->recipients.size(), 3u);
  EXPECT_EQ(batch->recipients[0].address, "one@b.example");
  EXPECT_EQ(batch->recipients[0].original, "orig@b.example");
  EXPECT_EQ(batch->recipients[0].dsn_original, "rfc822;x@y");
  EXPECT_EQ(batch->recipients[0].notify, queue::notify::kFailure);
  EXPECT_EQ(batch->recipients[1].address, "two@b.example");
  EXPECT_EQ(batch->recipients[1].original, "");
  EXPECT_EQ(batch->recipients[1].notify, 0);
  EXPECT_EQ(batch->recipients[2].original, "three");
}

TEST_F(QueueFile, RecipientsComeInBatchesEachOnce) {
  MessageText message;
  message.recipients.clear();
  for (int i = 0; i < 100; ++i) {
    (i % 3 == 0 ? message.extracted : message.recipients).push_back(record('O', fmt::format("o{}", i)));
    (i % 3 == 0 ? message.extracted : message.recipients).push_back(record('R', fmt::format("r{}@b.example", i)));
  }
  MessageFile file = open(message.text());
  std::set<std::string> seen;
  std::int64_t from = 0;
  int batches = 0;
  do {
    const auto batch = file.read_recipients(from, 7);
    ASSERT_TRUE(batch);
    EXPECT_LE(batch->recipients.size(), 7u);
    for (const auto& recipient : batch->recipients) {
      EXPECT_EQ("r" + recipient.original.substr(1) + "@b.example", recipient.address);
      EXPECT_TRUE(seen.insert(recipient.address).second);
    }
    from = batch->next;
  } while (from != 0 && ++batches < 100);
  EXPECT_EQ(seen.size(), 100u);
}

TEST_F(QueueFile, ALaterBatchSeesWhatWasMarkedDone) {
  MessageText message;
  message.recipients = {record('R', "one@b"), record('R', "two@b"), record('R', "three@b")};
  MessageFile file = open(message.text());
  ASSERT_TRUE(file.read_envelope());
  const auto first = file.read_recipients(0, 1);
  const auto rest = file.read_recipients(first->next, 9);
  ASSERT_EQ(rest->recipients.size(), 2u);
  ASSERT_TRUE(queue::mark_done(disk::real(), file.fd(), rest->recipients[0].offset));
  const auto again = file.read_recipients(first->next, 9);
  ASSERT_EQ(again->recipients.size(), 1u);
  EXPECT_EQ(again->recipients[0].address, "three@b");
}

TEST_F(QueueFile, AWarningIsMarkedAsSentInPlace) {
  MessageText message;
  message.envelope.push_back(record('W', "     1795259988"));
  MessageFile file = open(message.text());
  const auto read = file.read_envelope();
  ASSERT_TRUE(read && read->warning_time);
  EXPECT_EQ(*read->warning_time, 1795259988);
  ASSERT_TRUE(queue::mark_warned(disk::real(), file.fd(), read->warning_offset));
  EXPECT_EQ(file.read_envelope()->warning_time, -1);
  EXPECT_EQ(::lseek(file.fd(), 0, SEEK_END), static_cast<off_t>(message.text().size()));
}

TEST_F(QueueFile, TraceFlagsAreKilledInPlace) {
  MessageText message;
  message.envelope.push_back(record('A', "trace_flags=1024"));
  MessageFile file = open(message.text());
  const auto read = file.read_envelope();
  ASSERT_EQ(read->trace_flags, queue::trace::kRecord);
  ASSERT_TRUE(queue::kill_trace_flags(disk::real(), file.fd(), read->trace_flags_offset));
  EXPECT_EQ(file.read_envelope()->trace_flags, 0);
}

TEST_F(QueueFile, TheContentBeginsBehindTheEnvelope) {
  MessageFile file = open(MessageText().text());
  auto content = file.content();
  ASSERT_TRUE(content);
  EXPECT_EQ((*content->next())->data, "Subject: test");
}

TEST_F(QueueFile, AMaildropFileHasNoSizes) {
  MessageFile file = open(record('T', "1 2") + record('S', "s") + record('R', "r") + record('M') + record('N', "x") +
                          record('X') + record('R', "late") + record('E'));
  const auto read = file.read_envelope();
  ASSERT_TRUE(read);
  EXPECT_EQ(read->sizes.data_offset, 0);
  EXPECT_EQ(file.read_recipients(0, 10)->recipients.size(), 2u);
  EXPECT_EQ((*file.content()->next())->data, "x");
}

// The edits of a milter: the sender replaced by way of a pointer, a recipient added behind the end.
TEST_F(QueueFile, EditsAreSeen) {
  MessageText message;
  message.envelope = {record('T', "1 0"), record('S', "a-rather-long-sender@a.example")};
  message.recipients = {record('R', "one@b.example"), record('p', fmt::format("{:15}", 0))};
  std::string text = message.text();
  const auto sender = text.find("S\036a-rather");
  const auto dummy = text.find(record('p', fmt::format("{:15}", 0)));
  ASSERT_NE(sender, std::string::npos);
  const auto append = [&](std::size_t where, std::size_t back, const std::string& what) {
    const std::size_t heap = text.size();
    text += what + record('p', fmt::format("{:15}", back));
    text.replace(where, 17, record('p', fmt::format("{:15}", heap)));
  };
  append(sender, sender + queue::encoded_size(30), record('S', "new@a.example"));
  append(dummy, dummy + 17, record('O', "") + record('R', "added@b.example"));
  MessageFile file = open(text);
  const auto read = file.read_envelope();
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(read->sender, "new@a.example");
  const auto first = file.read_recipients(0, 1);
  const auto second = file.read_recipients(first->next, 1);
  ASSERT_TRUE(second) << second.error().text;
  EXPECT_EQ(second->recipients.at(0).address, "added@b.example");
  const auto third = file.read_recipients(second->next, 1);
  ASSERT_TRUE(third) << third.error().text;
  EXPECT_TRUE(third->recipients.empty());
  EXPECT_EQ(third->next, 0);
}

TEST_F(QueueFile, RecipientsInACircleAreDamage) {
  MessageText message;
  message.recipients = {record('R', "one@b"), record('p', fmt::format("{:15}", 0))};
  std::string text = message.text();
  const auto dummy = text.find(record('p', fmt::format("{:15}", 0)));
  text.replace(dummy, 17, record('p', fmt::format("{:15}", dummy - 7)));
  MessageFile file = open(text);
  std::int64_t from = 0;
  std::string problem;
  for (int i = 0; i < 100000 && problem.empty(); ++i) {
    const auto batch = file.read_recipients(from, 3);
    if (!batch)
      problem = batch.error().text;
    else
      from = batch->next;
  }
  EXPECT_EQ(problem, "active/ID: recipients that come round again");
}

TEST_F(QueueFile, EveryTruncationIsDamage) {
  MessageText message;
  message.extracted = {record('R', "late@b.example")};
  const std::string whole = message.text();
  EXPECT_EQ(damage(whole), "(none)");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_TRUE(damage(whole.substr(0, length)).starts_with("active/ID: ")) << length;
  }
}

TEST_F(QueueFile, WhatCannotBeUnderstoodIsDamage) {
  MessageText no_sender;
  no_sender.envelope.pop_back();
  EXPECT_EQ(damage(no_sender.text()), "active/ID: no sender");
  MessageText no_time;
  no_time.envelope.erase(no_time.envelope.begin());
  EXPECT_EQ(damage(no_time.text()), "active/ID: no message arrival time");
  MessageText letter;
  letter.envelope.push_back(record('N', "x"));
  EXPECT_EQ(damage(letter.text()), "active/ID: record at offset 180: unexpected record type 78");
  MessageText hints;
  hints.hints = 64;
  EXPECT_EQ(damage(hints.text()), "active/ID: unknown hints 64");
  EXPECT_EQ(damage(record('C', Sizes().text()) + record('E')), "active/ID: sizes were never filled in");
  EXPECT_EQ(damage(""), "active/ID: an empty file");
  MessageText attribute;
  attribute.envelope.push_back(record('A', "no equals sign"));
  EXPECT_TRUE(damage(attribute.text()).ends_with("malformed attribute"));
  MessageText many;
  for (int i = 0; i < 2000; ++i) many.envelope.push_back(record('A', fmt::format("a{}=x", i)));
  EXPECT_TRUE(damage(many.text()).ends_with("too many attributes"));
}

TEST_F(QueueFile, FlippedBitsNeverDoMoreThanDamage) {
  MessageText message;
  message.recipients = {record('A', "notify_flags=4"), record('O', "orig"), record('R', "one@b.example")};
  const std::string whole = message.text();
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    MessageFile file = open(flipped);
    (void)file.read_envelope();
    (void)file.read_recipients(0, 10);
    (void)file.content();
  }
}

}  // namespace
