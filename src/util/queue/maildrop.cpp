#include "queue/maildrop.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/text.h"
#include "config/config.h"
#include "config/param.h"
#include "logging/log.h"
#include "queue/message.h"

namespace queue {

namespace {

using Kind = SubmissionError::Kind;

std::unexpected<SubmissionError> refused(Kind kind, std::string text) {
  return std::unexpected(SubmissionError{kind, std::move(text)});
}

std::unexpected<SubmissionError> refused(const disk::Error& error) {
  return refused(error.number == EFBIG ? Kind::too_large : Kind::disk, error.text);
}

bool may_stand_in(Segment segment, RecordType type) {
  const char letter = static_cast<char>(type);
  if (letter == '\0') return false;
  switch (segment) {
    case Segment::envelope:
      return std::string_view("MTFSRVAin").contains(letter);
    case Segment::content:
      return std::string_view("XLN").contains(letter);
    case Segment::extracted:
      return std::string_view("EAR").contains(letter);
  }
  return false;
}

bool within(std::string_view text, std::int64_t least, std::int64_t most) {
  const auto number = parse_number(text);
  return number && *number >= least && *number <= most;
}

// Values that only programs of the mail system may say are no user's: trace flags of address probes, times.
bool may_be_sent(std::string_view name, std::string_view value) {
  if (name == "encoding") return value.empty() || value == "7bit" || value == "8bit";
  if (name == "rewrite_context") return value == "local" || value == "remote";
  if (name == "trace_flags") {
    return within(value, 1, INT32_MAX) && (*parse_number(value) & ~(trace::kUserVerify | trace::kRecord)) == 0;
  }
  if (name == attribute::kRequireTls || name == attribute::kSmtpUtf8) return value == attribute::kYes;
  if (name == "notify_flags") return within(value, 1, 15);
  if (name == "ret_flags") return within(value, 1, 3);
  return name == "envelope_id" || name == "dsn_orig_rcpt";
}

}  // namespace

MaildropFilter::Verdict MaildropFilter::take_attribute(std::string_view data) {
  const auto equals = data.find('=');
  if (equals == std::string_view::npos) {
    return {false, {}, fmt::format("ignoring malformed record: missing '=' after attribute name: {}", data)};
  }
  const std::string_view name = base::trim(data.substr(0, equals));
  const std::string_view value = base::trim(data.substr(equals + 1));
  if (name.empty()) {
    return {false, {}, fmt::format("ignoring malformed record: missing attribute name: {}", data)};
  }
  if (!may_be_sent(name, value)) return {false, {}, fmt::format("ignoring attribute record: {}={}", name, value)};
  normalized_ = fmt::format("{}={}", name, value);
  return {true, normalized_, {}};
}

std::expected<MaildropFilter::Verdict, SubmissionError> MaildropFilter::take(RecordType type, std::string_view data) {
  const auto letter = static_cast<unsigned char>(type);
  if (ended_ || !may_stand_in(segment_, type)) {
    return refused(Kind::malformed, fmt::format("unexpected record type: {}", letter));
  }
  if (data.size() > line_length_limit_) {
    return refused(Kind::malformed, fmt::format("illegal length {}, record type {}", data.size(), letter));
  }
  // A line feed within a line would be a line more on its way to others, and NUL or a line break in an envelope more
  // than one thing to those who read it as text.
  if (segment_ == Segment::content) {
    if (data.contains('\n')) {
      return refused(Kind::malformed, fmt::format("line feed in a line of text, record type {}", letter));
    }
  } else if (data.find_first_of(std::string_view("\0\r\n", 3)) != std::string_view::npos) {
    return refused(Kind::malformed, fmt::format("line break or null byte, record type {}", letter));
  }

  if (type == RecordType::message || type == RecordType::extracted || type == RecordType::end) {
    if (type == RecordType::message) segment_ = Segment::content;
    if (type == RecordType::extracted) segment_ = Segment::extracted;
    ended_ = type == RecordType::end;
    return Verdict{true, {}, {}};
  }
  if (type == RecordType::time) return Verdict{false, {}, {}};
  if (type == RecordType::attribute) return take_attribute(data);
  if (type == RecordType::sender && std::exchange(has_sender_, true)) {
    return refused(Kind::malformed, "more than one sender");
  }
  if (type == RecordType::recipient) {
    if (!has_sender_) return refused(Kind::incomplete, "a recipient before the sender");
    has_recipient_ = true;
  }
  if (type == RecordType::dsn_notify && !within(data, 1, 15)) {
    return Verdict{false, {}, fmt::format("ignoring record of type {}: {}", letter, data)};
  }
  return Verdict{true, data, {}};
}

std::expected<void, SubmissionError> MaildropFilter::complete() const {
  if (!ended_) return refused(Kind::malformed, "the message has no end");
  if (!has_sender_) return refused(Kind::incomplete, "no sender");
  if (!has_recipient_) return refused(Kind::incomplete, "no recipients");
  return {};
}

MaildropMessage::Limits MaildropMessage::Limits::from(const config::Config& config) {
  return {static_cast<std::size_t>(config[config::param::line_length_limit]),
          config[config::param::message_size_limit]};
}

MaildropMessage::MaildropMessage(MessageWriter writer, const Limits& limits)
    : writer_(std::move(writer)), filter_(limits.line_length), size_limit_(limits.size) {}

std::expected<MaildropMessage, SubmissionError> MaildropMessage::create(const Spool& spool, const Limits& limits) {
  auto writer = MessageWriter::create(spool, Folder::maildrop, MessageWriter::kMaildropModes);
  if (!writer) return refused(writer.error());
  const TimeStamp created = writer->created();
  const auto written = writer->append(RecordType::time, fmt::format("{} {}", created.seconds, created.microseconds));
  if (!written) return refused(written.error());
  return MaildropMessage(std::move(*writer), limits);
}

std::expected<void, SubmissionError> MaildropMessage::take(RecordType type, std::string_view data) {
  auto verdict = filter_.take(type, data);
  if (!verdict) return std::unexpected(std::move(verdict.error()));
  if (!verdict->keep) {
    if (!verdict->remark.empty()) {
      logging::warning("maildrop.ignored", "uid={uid}: {remark}", {{"uid", ::getuid()}, {"remark", verdict->remark}});
    }
    return {};
  }
  const auto size = writer_.size() + static_cast<std::int64_t>(encoded_size(verdict->data.size()));
  if (size_limit_ > 0 && size > size_limit_) {
    return refused(Kind::too_large, fmt::format("message file too big: more than {} bytes", size_limit_));
  }
  if (const auto written = writer_.append(type, verdict->data); !written) return refused(written.error());
  return {};
}

std::expected<void, SubmissionError> MaildropMessage::commit() {
  if (auto whole = filter_.complete(); !whole) return whole;
  if (const auto committed = writer_.commit(); !committed) return refused(committed.error());
  return {};
}

}  // namespace queue
