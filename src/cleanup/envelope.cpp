#include "cleanup/envelope.h"

#include <fmt/format.h>

#include "base/text.h"
#include "cleanup/addresses.h"
#include "mail/address.h"

namespace cleanup {

using queue::RecordType;

namespace {

constexpr std::string_view kEnvelopeRecords = "MCTcFILSDRO/WVA>K<ionf";
// Flags, too: what the end of the content has shown may hold or discard the message.
constexpr std::string_view kExtractedRecords = "EDRO/PreAFIL>Konf";
// After the first of these nothing but recipients is expected.
constexpr std::string_view kRecipientRecords = "DRO/Kon";

bool is_one_of(RecordType type, std::string_view letters) {
  return letters.contains(static_cast<char>(type));
}

std::string quoted(std::string_view data) {
  return "<" + std::string(data.substr(0, 200)) + ">";
}

// Attributes that are records under another name.
std::optional<RecordType> record_of(std::string_view name) {
  if (name == "create_time") return RecordType::create_time;
  if (name == "ret_flags") return RecordType::dsn_return;
  if (name == "envelope_id") return RecordType::dsn_envelope_id;
  if (name == "dsn_orig_rcpt") return RecordType::dsn_original_recipient;
  if (name == "notify_flags") return RecordType::dsn_notify;
  return std::nullopt;
}

}  // namespace

std::optional<Envelope::Attribute> Envelope::split(std::string_view data) {
  const std::size_t equals = data.find('=');
  // The names in the text are the part before any blank.
  if (equals == std::string_view::npos || equals == 0) {
    message_.reject_bad(fmt::format("malformed attribute: {}: {}",
                                    equals == 0 ? "missing attribute name" : "missing '=' after attribute name",
                                    data.substr(0, 200)));
    return std::nullopt;
  }
  const Attribute attribute{base::trim(data.substr(0, equals)), base::trim(data.substr(equals + 1))};
  if (attribute.name.empty()) {
    message_.reject_bad(fmt::format("malformed attribute: missing attribute name: {}", data.substr(0, 200)));
    return std::nullopt;
  }
  if (attribute.value.empty()) {
    message_.warn(fmt::format("spurious null attribute value for \"{}\" -- ignored", attribute.name.substr(0, 200)));
    return std::nullopt;
  }
  return attribute;
}

void Envelope::take(RecordType type, std::string_view data) {
  if (type != RecordType::attribute) return take(type, data, data);
  const auto attribute = split(data);
  if (!attribute) return;
  if (const auto record = record_of(attribute->name)) return take(*record, attribute->value, data);
  if (!understand_attribute(*attribute, data)) return;
  count_attribute(attribute->name);
  if (message_.given_up()) return;
  store(type, data);
}

void Envelope::take_extracted(RecordType type, std::string_view data) {
  take(type, data);
}

void Envelope::count_attribute(std::string_view name) {
  if (attributes_.contains(name)) return;
  if (attributes_.size() >= message_.settings.attribute_limit)
    return message_.reject_bad(fmt::format("attribute count exceeds limit {}", message_.settings.attribute_limit));
  attributes_.emplace(name);
}

bool Envelope::understand_attribute(const Attribute& attribute, std::string_view as_written) {
  const auto [name, value] = attribute;
  if (name == "rewrite_context") {
    if (value != "local" && value != "remote") {
      message_.reject_bad(fmt::format("bad rewriting context: {}", value.substr(0, 200)));
      return false;
    }
    message_.local_headers = value == "local";
  } else if (name == "trace_flags") {
    const auto number = base::to_unsigned(value);
    if (!number || *number > 0x7FFFFFFF) {
      message_.reject_bad("bad TFLAG record " + quoted(as_written));
      return false;
    }
    message_.trace_flags = static_cast<int>(*number);
  } else if (name == "encoding" && segment_ == Segment::envelope) {
    message_.encoding = value;
  } else if (name == queue::attribute::kSmtpUtf8) {
    if (message_.settings.smtputf8 && value == queue::attribute::kYes) {
      message_.flags |= client::cleanup_flag::kSmtpUtf8;
      message_.smtputf8 |= queue::smtputf8::kRequested;
    }
  } else if (name == queue::attribute::kRequireTls) {
    if (!message_.settings.requiretls) return false;
    message_.require_tls = value == queue::attribute::kYes;
  } else if (name == "log_message_origin") {
    message_.origin = value;
  } else if (name == "log_protocol_name") {
    message_.log_protocol = value;
  } else if (name == "log_helo_name") {
    message_.log_helo = value;
  }
  return true;
}

void Envelope::take(RecordType type, std::string_view data, std::string_view as_written) {
  const bool extracted = segment_ == Segment::extracted;
  // In the extracted segment these two come only under their attribute names.
  const bool named = data.data() != as_written.data();
  if (extracted && named && (type == RecordType::dsn_return || type == RecordType::dsn_envelope_id))
    return store(RecordType::attribute, as_written);
  if (extracted && named && type == RecordType::create_time) return;
  if (!is_one_of(type, extracted ? kExtractedRecords : kEnvelopeRecords))
    return message_.reject_bad(fmt::format("unexpected record type {} in {}", static_cast<int>(type),
                                           extracted ? "extracted envelope" : "envelope"));
  // What is only remembered for the recipient to come may stand anywhere, before the sender, too.
  const bool remembered = type == RecordType::dsn_notify || type == RecordType::dsn_original_recipient;
  if (is_one_of(type, kRecipientRecords)) {
    if (!remembered && !begin_recipients()) return;
    return take_of_recipient(type, data, as_written);
  }
  if (type == RecordType::flags) return extra_flags(data);
  if (extracted) return store(type, data);
  if (type == RecordType::time) return time(data);
  if (type == RecordType::sender) return sender(data);
  if (type == RecordType::full_name) return full_name(data);
  if (type == RecordType::verp_delimiters) return verp_delimiters(data);
  if (type == RecordType::size || type == RecordType::create_time) return;  // written anew
  if (type == RecordType::warning_time) warning_seen_ = true;
  if (type == RecordType::dsn_return && !return_flags(data, as_written)) return;
  if (type == RecordType::dsn_envelope_id) message_.envelope_id = data;
  if (named) return store(RecordType::attribute, as_written);
  store(type, data);
}

void Envelope::take_of_recipient(RecordType type, std::string_view data, std::string_view as_written) {
  if (type == RecordType::recipient) return recipients_.take(data);
  if (type == RecordType::done || type == RecordType::canceled) return recipients_.drop();
  if (type == RecordType::original_recipient) return recipients_.original(data);
  if (type == RecordType::dsn_notify) return recipients_.notify(data, as_written);
  if (type == RecordType::dsn_original_recipient) return recipients_.dsn_original(data);
  store(type, data);
}

// Before the first recipient, or the end of the envelope: what every message must have, and when its sender is told of
// a delay. False: the message is refused.
bool Envelope::begin_recipients() {
  if (in_recipients_) return true;
  in_recipients_ = true;
  if (segment_ == Segment::extracted) return true;
  if (!message_.has_sender) {
    message_.reject_bad("missing sender envelope record");
    return false;
  }
  if (!message_.has_arrival) {
    message_.reject_bad("missing time envelope record");
    return false;
  }
  const auto delay = message_.settings.delay_warning_time.count();
  if (delay > 0 && !message_.sender.empty() && !warning_seen_)
    message_.out.append(RecordType::warning_time, fmt::format("{:15d}", message_.arrival.seconds + delay));
  return true;
}

void Envelope::time(std::string_view data) {
  if (!message_.has_arrival) {
    const std::string_view text = data.substr(0, data.find('\0'));
    const std::size_t blank = text.find(' ');
    const auto seconds = base::to_long(text.substr(0, blank));
    if (!seconds) return;  // told as missing later
    message_.has_arrival = true;
    message_.arrival.seconds = *seconds;
    if (blank != std::string_view::npos)
      message_.arrival.microseconds = base::to_long(base::trim(text.substr(blank))).value_or(0);
    store(RecordType::time, data);
  }
  count_attribute("create_time");
  store(RecordType::attribute, fmt::format("create_time={}", message_.created.seconds));
}

void Envelope::sender(std::string_view data) {
  if (message_.has_sender) return message_.reject_bad("multiple envelope sender records");
  const std::string_view address = data.substr(0, data.find('\0'));
  message_.has_sender = true;
  message_.sender = envelope_sender(message_, address);
  if (message_.settings.smtputf8 && !base::is_ascii(message_.sender) && base::is_valid_utf8(message_.sender)) {
    message_.smtputf8 |= queue::smtputf8::kSender;
    if ((message_.flags & client::cleanup_flag::kAutoUtf8) != 0) message_.smtputf8 |= queue::smtputf8::kRequested;
  }
  store(RecordType::sender, message_.sender);
  if (message_.given_up()) return;
  recipients_.copy_for_sender();
}

void Envelope::full_name(std::string_view data) {
  if (message_.has_full_name) return;
  message_.has_full_name = true;
  message_.full_name = data.substr(0, data.find('\0'));
  store(RecordType::full_name, data);
}

void Envelope::extra_flags(std::string_view data) {
  constexpr unsigned long kAllowed = client::cleanup_flag::kHold | client::cleanup_flag::kDiscard;
  const unsigned long bits = base::to_unsigned(data).value_or(0);
  if ((bits & ~kAllowed) != 0) return message_.warn(fmt::format("ignoring bad extra flags: 0x{:x}", bits));
  message_.flags |= static_cast<int>(bits);
}

void Envelope::verp_delimiters(std::string_view data) {
  // Notices have nobody who could tell recipients apart by the address that they come back to.
  if (message_.sender.empty()) return message_.warn("ignoring VERP request for null sender");
  if (data.size() != 2 || data.find_first_not_of(message_.settings.verp_delimiters) != std::string_view::npos)
    return message_.warn(fmt::format("ignoring bad VERP request: \"{}\"", data.substr(0, 100)));
  message_.verp_delimiters = data;
  store(RecordType::verp_delimiters, data);
}

bool Envelope::return_flags(std::string_view data, std::string_view as_written) {
  const auto number = base::to_unsigned(data);
  if (!number || (*number != queue::dsn_return::kFull && *number != queue::dsn_return::kHeaders)) {
    message_.reject_bad("bad DSN RET record " + quoted(as_written));
    return false;
  }
  message_.return_flags = static_cast<int>(*number);
  return true;
}

void Envelope::store(RecordType type, std::string_view data) {
  if (in_recipients_) message_.hints |= 1;  // MIXED: qmgr must look at every record of the segment
  message_.out.append(type, data);
}

void Envelope::end_of_envelope() {
  if (!begin_recipients()) return;
  message_.out.append(RecordType::message, {});
  message_.data_offset = message_.out.size();
}

void Envelope::begin_extracted() {
  segment_ = Segment::extracted;
  in_recipients_ = false;
  message_.content_size = message_.out.size() - message_.data_offset;
  message_.out.append(RecordType::extracted, {});
  if (!message_.encoding.empty()) message_.out.append(RecordType::attribute, "encoding=" + message_.encoding);
  if (message_.require_tls_by_header)
    message_.out.append(RecordType::attribute,
                        fmt::format("{}={}", queue::attribute::kRequireTls, queue::attribute::kYes));
}

void Envelope::end_of_extracted() {
  recipients_.copy_always();
  if (!recipients_.any()) message_.fail(client::cleanup_status::kNoRecipients);
  message_.out.append(RecordType::end, {});
}

}  // namespace cleanup
