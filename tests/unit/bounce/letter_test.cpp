#include "bounce/letter.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

namespace {

using queue::RecordType;

constexpr std::time_t kNow = 1795278994;

struct Written {
  std::string sender, recipient;
  std::string text;  // the content's lines
  std::string attributes;
};

class LetterTest : public testing::Test {
 protected:
  LetterTest() {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    settings_.myhostname = "mx.example";
    settings_.mail_name = settings_.field_name = "Postfix";
    settings_.lifetime = base::Seconds(432000);
    for (auto& text : settings_.texts) text = {"us-ascii", "Robot <MAILER-DAEMON>", "Sorry", "Copy", {"Dear sender."}};
    about_.queue_id = "ABC";
    about_.sender = "ann@example.com";
    letter_.recipient = "ann@example.com";
    original_.envelope.arrival = {kNow - 60, 0};
    queue::StatusEntry entry;
    entry.recipient = "u@x.example";
    entry.dsn_original = "rfc822;u@x.example";
    entry.status = "5.7.1";
    entry.action = "failed";
    entry.reason = "no such luck, really, this is a rather long text which has to be wrapped somewhere";
    letter_.entries.push_back(entry);
  }

  Written write() {
    Written written;
    bool content = false;
    bounce::write(
        [&](RecordType type, std::string_view data) {
          if (type == RecordType::sender) written.sender = data;
          if (type == RecordType::recipient) written.recipient = data;
          if (type == RecordType::attribute) written.attributes.append(data).append(" ");
          if (type == RecordType::extracted) content = false;
          if (content) {
            written.text += data;
            if (type == RecordType::text) written.text += '\n';
          }
          if (type == RecordType::message) content = true;
        },
        letter_, about_, original_, settings_, "DEF", {kNow, 7});
    return written;
  }

  // The original as a queue file in memory.
  void original_is(const std::vector<std::pair<RecordType, std::string>>& content) {
    std::string bytes;
    queue::Sizes sizes;
    queue::append_record(bytes, RecordType::size, sizes.text());
    queue::append_record(bytes, RecordType::time, "1795278934 0");
    queue::append_record(bytes, RecordType::sender, "ann@example.com");
    queue::append_record(bytes, RecordType::recipient, "u@x.example");
    queue::append_record(bytes, RecordType::message, "");
    sizes.data_offset = static_cast<std::int64_t>(bytes.size());
    for (const auto& [type, data] : content) queue::append_record(bytes, type, data);
    sizes.message = sizes.content = static_cast<std::int64_t>(bytes.size()) - sizes.data_offset;
    sizes.recipients = 1;
    queue::append_record(bytes, RecordType::extracted, "");
    queue::append_record(bytes, RecordType::end, "");
    std::string size_record;
    queue::append_record(size_record, RecordType::size, sizes.text());
    bytes.replace(0, size_record.size(), size_record);
    base::Fd fd(::memfd_create("original", MFD_CLOEXEC));
    ASSERT_EQ(::write(fd.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    file_ = std::make_unique<queue::MessageFile>(std::move(fd), "original");
    original_.file = file_.get();
  }

  bounce::Settings settings_;
  client::NoticeRequest about_;
  bounce::Letter letter_;
  bounce::Original original_;
  std::unique_ptr<queue::MessageFile> file_;
};

TEST_F(LetterTest, HasThreeParts) {
  original_is({{RecordType::text, "Subject: hello"}, {RecordType::text, ""}, {RecordType::text, "text"}});
  const Written written = write();
  EXPECT_EQ(written.sender, "");
  EXPECT_EQ(written.recipient, "ann@example.com");
  EXPECT_EQ(written.text, R"(Received: by mx.example (Postfix)
	id DEF; Sat, 21 Nov 2026 16:36:34 +0000 (UTC)
Date: Sat, 21 Nov 2026 16:36:34 +0000 (UTC)
From: Robot <MAILER-DAEMON>
Subject: Sorry
To: ann@example.com
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
	boundary="ABC.1795278994/mx.example"
Content-Transfer-Encoding: 8bit

This is a MIME-encapsulated message.

--ABC.1795278994/mx.example
Content-Description: Notification
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Dear sender.

<u@x.example>: no such luck, really, this is a rather long text which has to be
    wrapped somewhere

--ABC.1795278994/mx.example
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
X-Postfix-Queue-ID: ABC
X-Postfix-Sender: rfc822; ann@example.com
Arrival-Date: Sat, 21 Nov 2026 16:35:34 +0000 (UTC)

Final-Recipient: rfc822; u@x.example
Original-Recipient: rfc822;u@x.example
Action: failed
Status: 5.7.1
Diagnostic-Code: X-Postfix; no such luck, really, this is a rather long text
    which has to be wrapped somewhere

--ABC.1795278994/mx.example
Content-Description: Undelivered Message
Content-Type: message/rfc822
Content-Transfer-Encoding: 8bit

Return-Path: <ann@example.com>
Subject: hello

text

--ABC.1795278994/mx.example--
)");
}

TEST_F(LetterTest, SaysWhatItCanWhenTheOriginalIsGone) {
  const std::string text = write().text;
  EXPECT_TRUE(text.contains("Return-Path: <ann@example.com>\n\n--ABC.1795278994/mx.example--\n")) << text;
}

TEST_F(LetterTest, EndsTheHeaderAtTheFirstLineThatIsNone) {
  original_is({{RecordType::text, "Subject: a"},
               {RecordType::text, " folded"},
               {RecordType::text, "no header line"},
               {RecordType::text, "X: y"}});
  letter_.included = bounce::Included::headers;
  const std::string text = write().text;
  EXPECT_TRUE(text.contains("Content-Description: Undelivered Message Headers\nContent-Type: text/rfc822-headers\n"));
  EXPECT_TRUE(text.contains("Subject: a\n folded\n\n--ABC")) << text;
}

TEST_F(LetterTest, EndsAnUnterminatedLastLine) {
  original_is({{RecordType::text, ""}, {RecordType::unterminated, "half a line"}});
  EXPECT_TRUE(write().text.contains("half a line\n\n--ABC"));
}

TEST_F(LetterTest, ForPostmasterHasNoFriendlyWords) {
  letter_.for_postmaster = true;
  const std::string text = write().text;
  EXPECT_TRUE(text.contains("Subject: Copy\n"));
  EXPECT_TRUE(text.contains("Auto-Submitted: auto-generated\n"));
  EXPECT_TRUE(text.contains("Content-Transfer-Encoding: 8bit\n\n\n<u@x.example>: ")) << text;
  EXPECT_FALSE(text.contains("Dear sender"));
}

TEST_F(LetterTest, SpeaksUtf8OnlyAboutUtf8Mail) {
  letter_.entries[0].recipient = "\xc3\xa4@x.example";
  letter_.entries[0].dsn_original = "";
  letter_.entries[0].original_recipient = "\xc3\xa4";
  EXPECT_TRUE(
      write().text.contains("Final-Recipient: rfc822; \xc3\xa4@x.example\nOriginal-Recipient: rfc822; \xc3\xa4\n"));
  about_.smtputf8 = queue::smtputf8::kHeader;  // nobody asked for it
  EXPECT_TRUE(write().text.contains("Content-Type: message/delivery-status\n"));
  EXPECT_TRUE(write().text.contains("Final-Recipient: utf-8; \xc3\xa4@x.example\n"));
  about_.smtputf8 = queue::smtputf8::kRequested;
  const std::string text = write().text;
  EXPECT_TRUE(text.contains("Content-Type: message/global-delivery-status\nContent-Transfer-Encoding: 8bit\n"));
  EXPECT_TRUE(text.contains("Final-Recipient: utf-8; \xc3\xa4@x.example\nOriginal-Recipient: utf-8; \xc3\xa4\n"));
  EXPECT_TRUE(text.contains("Content-Type: message/global\n"));
}

TEST_F(LetterTest, QuotesASenderInUtf8) {
  about_.sender = "\xc3\xa4@x.example";
  about_.smtputf8 = queue::smtputf8::kSender;
  const std::string text = write().text;
  EXPECT_TRUE(text.contains("X-Postfix-Sender: rfc822; \"\\\xc3\\\xa4\"@x.example\n")) << text;
  EXPECT_TRUE(text.contains("Return-Path: <\"\\\xc3\\\xa4\"@x.example>\n")) << text;
  about_.smtputf8 |= queue::smtputf8::kRequested;
  EXPECT_TRUE(write().text.contains("X-Postfix-Sender: rfc822; \"\\\xc3"));
  about_.sender = "a@\xc3\xa4.example";
  EXPECT_TRUE(write().text.contains("X-Postfix-Sender: utf-8; a@\xc3\xa4.example\n"));
}

TEST_F(LetterTest, BelievesATemplateAboutItsCharset) {
  for (const auto& [said, written] :
       {std::pair("us-ascii", "utf-8"), std::pair("US-ASCII", "utf-8"), std::pair("iso-8859-1", "iso-8859-1")}) {
    for (auto& text : settings_.texts) text.charset = said;
    EXPECT_TRUE(write().text.contains(std::string("text/plain; charset=") + written + "\n")) << said;
  }
}

TEST_F(LetterTest, WithoutSmtpUtf8ClaimsTheOriginalsEncoding) {
  settings_.eight_bit = false;
  EXPECT_FALSE(write().text.contains("Content-Transfer-Encoding"));
  about_.encoding = "7bit";
  EXPECT_TRUE(write().text.contains("\nContent-Transfer-Encoding: 7bit\n\nThis is a MIME"));
  EXPECT_TRUE(write().text.contains("text/plain; charset=us-ascii\n\n"));
}

TEST_F(LetterTest, IsAsStrictAboutTlsAsTheOriginalUnlessThatIsRedacted) {
  original_.envelope.require_tls = true;
  EXPECT_EQ(write().attributes, "log_message_origin=local trace_flags=0 ");
  settings_.redact_require_tls = false;
  EXPECT_EQ(write().attributes, "log_message_origin=local trace_flags=0 postrider_requiretls=yes ");
}

TEST_F(LetterTest, NamesTheAddressThatTheSenderKnows) {
  letter_.entries[0].original_recipient = "alias@x.example";
  EXPECT_TRUE(write().text.contains("<u@x.example> (expanded from <alias@x.example>): no such luck"));
  letter_.entries[0].original_recipient = "U@X.example";
  EXPECT_FALSE(write().text.contains("expanded from"));
}

TEST_F(LetterTest, PassesOnWhatTheRemoteHostSaid) {
  letter_.entries[0].diagnostic_type = "smtp";
  letter_.entries[0].diagnostic_text = "550 no";
  letter_.entries[0].mta_type = "dns";
  letter_.entries[0].mta_name = "mx.x.example";
  EXPECT_TRUE(write().text.contains("Status: 5.7.1\nRemote-MTA: dns; mx.x.example\nDiagnostic-Code: smtp; 550 no\n"));
}

TEST_F(LetterTest, OfADelaySaysUntilWhenItIsRetried) {
  letter_.kind = config::BounceKind::delay;
  letter_.entries[0].action = "delayed";
  const std::string text = write().text;
  EXPECT_TRUE(text.contains("Action: delayed\n"));
  EXPECT_TRUE(text.contains("\nWill-Retry-Until: Thu, 26 Nov 2026 16:35:34 +0000 (UTC)\n")) << text;
}

TEST_F(LetterTest, AnswersInTheThreadOfTheOriginal) {
  original_is({{RecordType::text, "Subject: x"}, {RecordType::text, "Message-ID:"}, {RecordType::text, " <a@b>"}});
  original_.message_id = bounce::find_message_id(*original_.file);
  settings_.threaded = true;
  EXPECT_TRUE(write().text.contains("To: ann@example.com\nReferences: <a@b>\nIn-Reply-To: <a@b>\n"));
}

TEST_F(LetterTest, ShowsMailerDaemonForTheNullSender) {
  about_.sender = "";
  const std::string text = write().text;
  EXPECT_TRUE(text.contains("X-Postfix-Sender: rfc822; MAILER-DAEMON@mx.example\n"));
  EXPECT_TRUE(text.contains("Return-Path: <MAILER-DAEMON@mx.example>\n"));
}

}  // namespace
