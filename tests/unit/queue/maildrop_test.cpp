#include "queue/maildrop.h"

#include <fmt/format.h>

#include "lib/disks.h"
#include "lib/message_text.h"
#include "lib/spool_folder.h"
#include "logging/log.h"
#include "queue/steps.h"

namespace {

using queue::MaildropFilter;
using queue::MaildropMessage;
using queue::SubmissionError;
using tests::record;
using tests::SpoolFolder;

struct Sent {
  char type;
  std::string data;
};
using Stream = std::vector<Sent>;

const Stream kMessage = {{'S', "a@b"}, {'R', "c@d"}, {'M', ""}, {'N', "text"}, {'X', ""}, {'E', ""}};

// What the filter lets through, as records; or "!why not".
std::string filtered(const Stream& stream, std::size_t limit = 2048) {
  MaildropFilter filter(limit);
  std::string kept;
  for (const Sent& sent : stream) {
    const auto verdict = filter.take(static_cast<queue::RecordType>(sent.type), sent.data);
    if (!verdict) return "!" + verdict.error().text;
    if (verdict->keep) kept += record(sent.type, verdict->data);
    if (!verdict->remark.empty()) kept += "(" + verdict->remark + ")";
  }
  const auto whole = filter.complete();
  return whole ? kept : "!" + whole.error().text;
}

std::string with(const Sent& first) {
  Stream stream = kMessage;
  stream.insert(stream.begin(), first);
  return filtered(stream);
}

const std::string kPlain = filtered(kMessage);

TEST(MaildropFilter, LetsAMessageThrough) {
  EXPECT_EQ(kPlain,
            record('S', "a@b") + record('R', "c@d") + record('M') + record('N', "text") + record('X') + record('E'));
}

TEST(MaildropFilter, LetsThroughWhatUsersMaySay) {
  for (const char* attribute : {"encoding=8bit", "encoding=7bit", "encoding=", "postrider_requiretls=yes",
                                "postrider_smtputf8=yes", "rewrite_context=remote", "trace_flags=512",
                                "trace_flags=1024", "envelope_id=a b", "ret_flags=2", "dsn_orig_rcpt=rfc822;x"}) {
    EXPECT_EQ(with({'A', attribute}), record('A', attribute) + kPlain);
  }
  EXPECT_EQ(with({'F', "Full Name"}), record('F', "Full Name") + kPlain);
  EXPECT_EQ(with({'V', "+="}), record('V', "+=") + kPlain);
}

TEST(MaildropFilter, NormalizesAttributes) {
  EXPECT_EQ(with({'A', " encoding = 8bit "}), record('A', "encoding=8bit") + kPlain);
}

TEST(MaildropFilter, DropsWhatOnlyTheMailSystemMaySay) {
  for (const char* attribute : {"log_ident=x", "client_name=x", "sasl_username=x", "encoding=foo",
                                "postrider_requiretls=x", "rewrite_context=bogus", "trace_flags=256",
                                "trace_flags=8192", "trace_flags=x", "create_time=1", "notify_flags=77"}) {
    EXPECT_EQ(with({'A', attribute}), "(ignoring attribute record: " + std::string(attribute) + ")" + kPlain);
  }
  EXPECT_EQ(with({'A', "foo"}), "(ignoring malformed record: missing '=' after attribute name: foo)" + kPlain);
  EXPECT_EQ(with({'A', "=bar"}), "(ignoring malformed record: missing attribute name: =bar)" + kPlain);
}

TEST(MaildropFilter, DropsTheCallersTime) {
  EXPECT_EQ(with({'T', "1 2"}), kPlain);
}

TEST(MaildropFilter, RefusesOtherLetters) {
  for (const char letter : std::string("CcILDO/WK><ofmpreP\0dw", 21)) {
    EXPECT_EQ(with({letter, "1"}), fmt::format("!unexpected record type: {}", static_cast<unsigned char>(letter)));
  }
  EXPECT_EQ(filtered({{'S', "a@b"}, {'R', "c@d"}, {'M', ""}, {'S', "x"}}), "!unexpected record type: 83");
  EXPECT_EQ(filtered({{'S', "a@b"}, {'R', "c@d"}, {'M', ""}, {'X', ""}, {'N', "x"}}), "!unexpected record type: 78");
  EXPECT_EQ(filtered({{'S', "a@b"}, {'R', "c@d"}, {'E', ""}}), "!unexpected record type: 69");
}

TEST(MaildropFilter, TakesRecipientsBehindTheContent) {
  EXPECT_EQ(filtered({{'S', ""}, {'M', ""}, {'L', "x"}, {'X', ""}, {'A', "notify_flags=1"}, {'R', "late"}, {'E', ""}}),
            record('S') + record('M') + record('L', "x") + record('X') + record('A', "notify_flags=1") +
                record('R', "late") + record('E'));
}

TEST(MaildropFilter, WantsOneSenderAndARecipient) {
  EXPECT_EQ(filtered({{'S', "a@b"}, {'M', ""}, {'X', ""}, {'E', ""}}), "!no recipients");
  EXPECT_EQ(filtered({{'M', ""}, {'X', ""}, {'E', ""}}), "!no sender");
  EXPECT_EQ(filtered({{'R', "x"}, {'S', "a@b"}}), "!a recipient before the sender");
  EXPECT_EQ(with({'S', "again"}), "!more than one sender");
}

TEST(MaildropFilter, WantsAnEndAndNothingBehindIt) {
  EXPECT_EQ(filtered({{'S', "a@b"}, {'R', "c@d"}, {'M', ""}, {'X', ""}}), "!the message has no end");
  Stream stream = kMessage;
  stream.push_back({'R', "x"});
  EXPECT_EQ(filtered(stream), "!unexpected record type: 82");
}

TEST(MaildropFilter, RefusesLineBreaksAndNullBytesInTheEnvelope) {
  for (const char letter : std::string("SRFVAiTnM")) {
    for (const std::string& bad : {std::string("a\nb"), std::string("a\rb"), std::string("a\0b", 3)}) {
      EXPECT_EQ(with({letter, bad}), fmt::format("!line break or null byte, record type {}", static_cast<int>(letter)));
    }
  }
}

TEST(MaildropFilter, RefusesLineFeedsInLinesOfText) {
  EXPECT_EQ(filtered({{'S', "a@b"}, {'R', "c@d"}, {'M', ""}, {'N', "x\n.\nMAIL FROM:<>"}}),
            "!line feed in a line of text, record type 78");
  const std::string bytes("x\r\0y", 4);
  EXPECT_EQ(filtered({{'S', "a@b"}, {'R', "c@d"}, {'M', ""}, {'N', bytes}, {'X', ""}, {'E', ""}}),
            record('S', "a@b") + record('R', "c@d") + record('M') + record('N', bytes) + record('X') + record('E'));
}

TEST(MaildropFilter, RefusesLongRecords) {
  EXPECT_EQ(with({'F', std::string(2048, 'x')}), record('F', std::string(2048, 'x')) + kPlain);
  EXPECT_EQ(with({'F', std::string(2049, 'x')}), "!illegal length 2049, record type 70");
}

TEST(MaildropFilter, LeavesNothingInMarks) {
  EXPECT_EQ(filtered({{'S', "a@b"}, {'R', "c@d"}, {'M', "junk"}, {'N', "text"}, {'X', "junk"}, {'E', "junk"}}), kPlain);
}

class Maildrop : public testing::Test {
 protected:
  std::expected<queue::Id, SubmissionError> submit(const Stream& stream, MaildropMessage::Limits limits = {}) {
    auto message = MaildropMessage::create(spool_, limits);
    if (!message) return std::unexpected(message.error());
    for (const Sent& sent : stream) {
      if (auto taken = message->take(static_cast<queue::RecordType>(sent.type), sent.data); !taken) {
        return std::unexpected(taken.error());
      }
    }
    if (auto committed = message->commit(); !committed) return std::unexpected(committed.error());
    return message->id();
  }

  SpoolFolder folder_;
  tests::FailingDisk disk_;
  queue::Spool spool_{queue::SpoolSettings(), disk_};
};

TEST_F(Maildrop, TheTimeComesFirst) {
  const auto id = submit(kMessage);
  ASSERT_TRUE(id);
  const std::string path = "maildrop/" + id->text();
  const std::string content = SpoolFolder::content(path);
  EXPECT_EQ(content[0], 'T');
  EXPECT_TRUE(content.ends_with(kPlain));
  EXPECT_EQ(SpoolFolder::mode(path), 0744u);
}

TEST_F(Maildrop, WhatIsDroppedIsLogged) {
  const logging::Capture log;
  Stream stream = kMessage;
  stream.insert(stream.begin(), {'A', "log_ident=x"});
  ASSERT_TRUE(submit(stream));
  EXPECT_TRUE(log.contains(fmt::format("uid={}: ignoring attribute record: log_ident=x", ::getuid())));
}

TEST_F(Maildrop, ARefusedMessageLeavesNothing) {
  const auto refused = submit({{'S', "a@b"}, {'K', ""}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, SubmissionError::Kind::malformed);
  const auto incomplete = submit({{'S', "a@b"}, {'M', ""}, {'X', ""}, {'E', ""}});
  ASSERT_FALSE(incomplete);
  EXPECT_EQ(incomplete.error().kind, SubmissionError::Kind::incomplete);
  EXPECT_TRUE(SpoolFolder::files().empty());
}

TEST_F(Maildrop, ALargeMessageIsRefused) {
  Stream stream = kMessage;
  stream.insert(stream.begin() + 3, 100, {'N', std::string(100, 'x')});
  const auto refused = submit(stream, {.line_length = 2048, .size = 5000});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, SubmissionError::Kind::too_large);
  EXPECT_TRUE(submit(stream, {.line_length = 2048, .size = 50000}));
}

TEST_F(Maildrop, ADiskThatFailsIsForLater) {
  disk_.fail_at(queue::step::kCommitSync, EIO);
  const auto failed = submit(kMessage);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, SubmissionError::Kind::disk);
  EXPECT_TRUE(SpoolFolder::files().empty());
}

}  // namespace
